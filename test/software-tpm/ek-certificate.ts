/** Endorsement key certificates as TPM makers issue them, good and strange, signed by a CA made on the spot. */
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { element, name, oid, sequence, time } from "./der.ts";

export interface EkCertificateOptions {
  /** RSA or P-256, any spelling */
  readonly spkiDer: Buffer;
  /** id-RSAES-OAEP as object identifier of an RSA key */
  readonly rsaesOaep?: boolean;
  readonly issuer?: string;
  /** empty by default, as many real ones */
  readonly subject?: string;
  readonly serialNumber?: Buffer;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly caKey?: KeyObject;
  /** writes the length of the subject in three bytes where one does, as no strict encoder would */
  readonly longLengths?: boolean;
}

const SHA256_WITH_RSA = sequence(oid("2a864886f70d01010b"), Buffer.from("0500", "hex"));
const RSA_ENCRYPTION = oid("2a864886f70d010101");
const RSAES_OAEP = sequence(oid("2a864886f70d010107"));

/** @returns DER of an X.509 v3 certificate */
export function createEkCertificate(options: EkCertificateOptions): Buffer {
  const caKey = options.caKey ?? generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const spki = options.rsaesOaep === true ? withRsaesOaep(options.spkiDer) : options.spkiDer;
  const subject = name(options.subject ?? "");
  const body = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, options.serialNumber ?? Buffer.from("12345678", "hex")),
    SHA256_WITH_RSA,
    name(options.issuer ?? "Example TPM Manufacturing CA 007"),
    sequence(
      time(options.notBefore ?? new Date("2020-01-01T00:00:00Z")),
      time(options.notAfter ?? new Date("9999-12-31T23:59:59Z")),
    ),
    options.longLengths === true ? withLongLength(subject) : subject,
    spki,
  );
  const signature = sign("sha256", body, caKey);
  return sequence(body, SHA256_WITH_RSA, element(0x03, Buffer.from([0]), signature));
}

/** The TCG wrapper that some TPMs put around the certificate in NV memory. */
export function wrapEkCertificate(der: Buffer): Buffer {
  const header = Buffer.from("1001000000", "hex");
  header.writeUInt16BE(der.length, 3);
  return Buffer.concat([header, der]);
}

/** The same RSA key with the other object identifier. */
export function withRsaesOaep(spkiDer: Buffer): Buffer {
  const canonical = createPublicKey({ key: spkiDer, format: "der", type: "spki" }).export({
    format: "der",
    type: "spki",
  });
  const bitString = canonical.subarray(4 + sequence(RSA_ENCRYPTION, Buffer.from("0500", "hex")).length);
  return sequence(RSAES_OAEP, bitString);
}

function withLongLength(short: Buffer): Buffer {
  return Buffer.concat([short.subarray(0, 1), Buffer.from([0x82, 0, short.length - 2]), short.subarray(2)]);
}
