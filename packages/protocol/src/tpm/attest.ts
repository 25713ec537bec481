/** TPMS_ATTEST: what a TPM signs when it vouches for a key's creation, for another key, or for register values. */
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { TPM_GENERATED_VALUE, TPM_MAX, TPM_ST } from "./constants.ts";
import { readPcrSelections, writePcrSelections } from "./pcr-selection.ts";
import type { PcrSelection } from "./pcr-selection.ts";

/**
 * Of a signer outside the endorsement and platform hierarchies, the TPM disguises `resetCount`, `restartCount` and the
 * firmware version with a secret of its own (part 1, 36.7): then they can only be compared with each other.
 */
export interface ClockInfo {
  /** milliseconds that the TPM has been powered since it was cleared */
  readonly clockMs: bigint;
  /** TPM resets, that is, boots of the machine */
  readonly resetCount: number;
  readonly restartCount: number;
  readonly safe: boolean;
}

export interface CreationAttestation {
  readonly type: "creation";
  readonly objectName: Buffer;
  readonly creationHash: Buffer;
}

export interface CertifyAttestation {
  readonly type: "certify";
  readonly name: Buffer;
  readonly qualifiedName: Buffer;
}

export interface QuoteAttestation {
  readonly type: "quote";
  readonly pcrSelect: readonly PcrSelection[];
  readonly pcrDigest: Buffer;
}

export interface Attest {
  readonly qualifiedSigner: Buffer;
  /** the caller's qualifying data */
  readonly extraData: Buffer;
  readonly clockInfo: ClockInfo;
  readonly firmwareVersion: bigint;
  readonly attested: CreationAttestation | CertifyAttestation | QuoteAttestation;
}

/**
 * Nothing in the result can be trusted before the signature over `bytes` is verified with a key that is.
 * @param bytes  TPMS_ATTEST without the size of TPM2B_ATTEST
 * @throws TpmFormatError TPM_FORMAT_MAGIC if no TPM made it, TPM_FORMAT_ATTESTATION_TYPE, or another code
 * Source: TPM 2.0 Library part 2, 10.12.12
 */
export function decodeAttest(bytes: Uint8Array): Attest {
  const reader = new ByteReader(bytes, "TPMS_ATTEST");
  if (reader.readUint32("magic") !== TPM_GENERATED_VALUE) {
    throw reader.failure("TPM_FORMAT_MAGIC", "magic", "is not TPM_GENERATED_VALUE");
  }
  const type = reader.readUint16("type");
  const head = {
    qualifiedSigner: reader.readSized({ maxBytes: TPM_MAX.NAME_BYTES }, "qualifiedSigner"),
    extraData: reader.readSized({ maxBytes: TPM_MAX.DATA_BYTES }, "extraData"),
    clockInfo: readClockInfo(reader),
    firmwareVersion: reader.readUint64("firmwareVersion"),
  };
  const attested = readAttested(reader, type);
  reader.finish();
  return { ...head, attested };
}

/** @returns TPMS_ATTEST without the size of TPM2B_ATTEST */
export function encodeAttest(attest: Attest): Buffer {
  const writer = new ByteWriter("TPMS_ATTEST")
    .writeUint32(TPM_GENERATED_VALUE, "magic")
    .writeUint16(TYPE_IDS[attest.attested.type], "type")
    .writeSized(attest.qualifiedSigner, "qualifiedSigner")
    .writeSized(attest.extraData, "extraData")
    .writeUint64(attest.clockInfo.clockMs, "clockInfo.clock")
    .writeUint32(attest.clockInfo.resetCount, "clockInfo.resetCount")
    .writeUint32(attest.clockInfo.restartCount, "clockInfo.restartCount")
    .writeUint8(attest.clockInfo.safe ? 1 : 0, "clockInfo.safe")
    .writeUint64(attest.firmwareVersion, "firmwareVersion");
  writeAttested(writer, attest.attested);
  return writer.finish();
}

const TYPE_IDS: Readonly<Record<Attest["attested"]["type"], number>> = {
  creation: TPM_ST.ATTEST_CREATION,
  certify: TPM_ST.ATTEST_CERTIFY,
  quote: TPM_ST.ATTEST_QUOTE,
};

function readClockInfo(reader: ByteReader): ClockInfo {
  const clockMs = reader.readUint64("clockInfo.clock");
  const resetCount = reader.readUint32("clockInfo.resetCount");
  const restartCount = reader.readUint32("clockInfo.restartCount");
  const safe = reader.readUint8("clockInfo.safe");
  if (safe > 1) {
    throw reader.failure("TPM_FORMAT_VALUE", "clockInfo.safe", `${String(safe)} is neither yes nor no`);
  }
  return { clockMs, resetCount, restartCount, safe: safe === 1 };
}

function readAttested(reader: ByteReader, type: number): Attest["attested"] {
  switch (type) {
    case TPM_ST.ATTEST_CREATION:
      return {
        type: "creation",
        objectName: reader.readSized({ maxBytes: TPM_MAX.NAME_BYTES }, "attested.creation.objectName"),
        creationHash: reader.readSized({ maxBytes: TPM_MAX.DIGEST_BYTES }, "attested.creation.creationHash"),
      };
    case TPM_ST.ATTEST_CERTIFY:
      return {
        type: "certify",
        name: reader.readSized({ maxBytes: TPM_MAX.NAME_BYTES }, "attested.certify.name"),
        qualifiedName: reader.readSized({ maxBytes: TPM_MAX.NAME_BYTES }, "attested.certify.qualifiedName"),
      };
    case TPM_ST.ATTEST_QUOTE:
      return {
        type: "quote",
        pcrSelect: readPcrSelections(reader),
        pcrDigest: reader.readSized({ maxBytes: TPM_MAX.DIGEST_BYTES }, "attested.quote.pcrDigest"),
      };
    default:
      throw reader.failure("TPM_FORMAT_ATTESTATION_TYPE", "type", `0x${type.toString(16)} is not supported`);
  }
}

function writeAttested(writer: ByteWriter, attested: Attest["attested"]): void {
  switch (attested.type) {
    case "creation":
      writer
        .writeSized(attested.objectName, "attested.creation.objectName")
        .writeSized(attested.creationHash, "attested.creation.creationHash");
      break;
    case "certify":
      writer
        .writeSized(attested.name, "attested.certify.name")
        .writeSized(attested.qualifiedName, "attested.certify.qualifiedName");
      break;
    case "quote":
      writePcrSelections(writer, attested.pcrSelect);
      writer.writeSized(attested.pcrDigest, "attested.quote.pcrDigest");
      break;
  }
}
