/** TPMS_CREATION_DATA: the circumstances under which a TPM made a key. */
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { TPM_ALG, TPM_MAX } from "./constants.ts";
import { readPcrSelections, writePcrSelections } from "./pcr-selection.ts";
import type { HashAlgorithm } from "./hash-algorithm.ts";
import type { PcrSelection } from "./pcr-selection.ts";

export interface CreationData {
  readonly pcrSelect: readonly PcrSelection[];
  readonly pcrDigest: Buffer;
  /** bits of TPMA_LOCALITY */
  readonly locality: number;
  /** NULL when the parent is a hierarchy, that is, for a primary key */
  readonly parentNameAlg: HashAlgorithm | "NULL";
  /** name of the parent key, or the four bytes of the hierarchy's handle */
  readonly parentName: Buffer;
  readonly parentQualifiedName: Buffer;
  /** whatever the caller of TPM2_Create gave */
  readonly outsideInfo: Buffer;
}

const PARENT_ALGORITHMS: ReadonlyMap<number, HashAlgorithm | "NULL"> = new Map([
  [TPM_ALG.NULL, "NULL"],
  [TPM_ALG.SHA1, "SHA1"],
  [TPM_ALG.SHA256, "SHA256"],
  [TPM_ALG.SHA384, "SHA384"],
  [TPM_ALG.SHA512, "SHA512"],
]);

/**
 * @param bytes  TPMS_CREATION_DATA without the size of TPM2B_CREATION_DATA
 * @throws TpmFormatError
 * Source: TPM 2.0 Library part 2, 15.1
 */
export function decodeCreationData(bytes: Uint8Array): CreationData {
  const reader = new ByteReader(bytes, "TPMS_CREATION_DATA");
  const data: CreationData = {
    pcrSelect: readPcrSelections(reader),
    pcrDigest: reader.readSized({ maxBytes: TPM_MAX.DIGEST_BYTES }, "pcrDigest"),
    locality: reader.readUint8("locality"),
    parentNameAlg: readParentNameAlg(reader),
    parentName: reader.readSized({ maxBytes: TPM_MAX.NAME_BYTES }, "parentName"),
    parentQualifiedName: reader.readSized({ maxBytes: TPM_MAX.NAME_BYTES }, "parentQualifiedName"),
    outsideInfo: reader.readSized({ maxBytes: TPM_MAX.DATA_BYTES }, "outsideInfo"),
  };
  reader.finish();
  return data;
}

/** @returns TPMS_CREATION_DATA without the size of TPM2B_CREATION_DATA */
export function encodeCreationData(data: CreationData): Buffer {
  const writer = new ByteWriter("TPMS_CREATION_DATA");
  writePcrSelections(writer, data.pcrSelect);
  return writer
    .writeSized(data.pcrDigest, "pcrDigest")
    .writeUint8(data.locality, "locality")
    .writeUint16(TPM_ALG[data.parentNameAlg], "parentNameAlg")
    .writeSized(data.parentName, "parentName")
    .writeSized(data.parentQualifiedName, "parentQualifiedName")
    .writeSized(data.outsideInfo, "outsideInfo")
    .finish();
}

function readParentNameAlg(reader: ByteReader): HashAlgorithm | "NULL" {
  const id = reader.readUint16("parentNameAlg");
  const algorithm = PARENT_ALGORITHMS.get(id);
  if (algorithm === undefined) {
    throw reader.failure("TPM_FORMAT_ALGORITHM", "parentNameAlg", `names the unknown algorithm 0x${id.toString(16)}`);
  }
  return algorithm;
}
