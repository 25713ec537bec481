/** Certificate authorities of made-up TPM makers, and what they sign: every field can be set wrong. */
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { element, name, oid, sequence, time } from "./der.ts";

export interface CertificateParts {
  readonly spkiDer: Buffer;
  /** Common name; empty for none. */
  readonly subject?: string;
  /** As DER, instead of subject. */
  readonly subjectDer?: Buffer;
  readonly issuer?: string;
  readonly signer?: KeyObject;
  readonly hash?: "sha1" | "sha256" | "sha384" | "sha512";
  /** 1 or 3; none is written for 1. */
  readonly version?: number;
  /** Content of the INTEGER. */
  readonly serialNumber?: Buffer;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions?: readonly Buffer[];
  /** Signature algorithm in tbsCertificate, where it is to differ from the one outside. */
  readonly innerAlgorithm?: Buffer;
}

export interface MadeAuthority {
  readonly name: string;
  readonly key: KeyObject;
  readonly der: Buffer;
  readonly pem: string;
}

const RSA_WITH = { sha1: "05", sha256: "0b", sha384: "0c", sha512: "0d" } as const;
const ECDSA_WITH = { sha1: "01", sha256: "0302", sha384: "0303", sha512: "0304" } as const;

/** AlgorithmIdentifier of a signature. */
export function signatureAlgorithm(keyType: string | undefined, hash: keyof typeof RSA_WITH): Buffer {
  return keyType === "ec"
    ? sequence(oid(`2a8648ce3d04${ECDSA_WITH[hash]}`))
    : sequence(oid(`2a864886f70d0101${RSA_WITH[hash]}`), Buffer.from("0500", "hex"));
}

/** @returns DER */
export function createCertificate(signer: KeyObject, parts: CertificateParts): Buffer {
  const key = parts.signer ?? signer;
  const hash = parts.hash ?? "sha256";
  const algorithm = signatureAlgorithm(key.asymmetricKeyType, hash);
  const { version = 3, extensions = [] } = parts;
  const tbs = sequence(
    version === 1 ? Buffer.alloc(0) : element(0xa0, element(0x02, Buffer.from([version - 1]))),
    element(0x02, parts.serialNumber ?? Buffer.from("12345678", "hex")),
    parts.innerAlgorithm ?? algorithm,
    name(parts.issuer ?? ""),
    sequence(
      time(parts.notBefore ?? new Date("2020-01-01T00:00:00Z")),
      time(parts.notAfter ?? new Date("9999-12-31T23:59:59Z")),
    ),
    parts.subjectDer ?? name(parts.subject ?? ""),
    parts.spkiDer,
    extensions.length === 0 ? Buffer.alloc(0) : element(0xa3, sequence(...extensions)),
  );
  return sequence(tbs, algorithm, element(0x03, Buffer.from([0]), sign(hash, tbs, key)));
}

export function extension(oidHex: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? element(0x01, Buffer.from([0xff])) : Buffer.alloc(0);
  return sequence(oid(oidHex), flag, element(0x04, value));
}

export function basicConstraints(ca: boolean, pathLength?: number): Buffer {
  const flag = ca ? element(0x01, Buffer.from([0xff])) : Buffer.alloc(0);
  const path = pathLength === undefined ? Buffer.alloc(0) : element(0x02, Buffer.from([pathLength]));
  return extension("551d13", true, sequence(flag, path));
}

/** @param bits  first byte of the BIT STRING: 0x20 keyEncipherment, 0x08 keyAgreement, 0x04 keyCertSign */
export function keyUsage(bits: number): Buffer {
  return extension("551d0f", true, element(0x03, Buffer.from([0, bits])));
}

/** @param purposes  identifiers in hex; 6781050801 is tcg-kp-EKCertificate */
export function extendedKeyUsage(...purposes: readonly string[]): Buffer {
  return extension("551d25", false, sequence(...purposes.map(oid)));
}

/** @param id  whatever names the key; real ones are its SHA-1 */
export function subjectKeyIdentifier(id: Buffer): Buffer {
  return extension("551d0e", false, element(0x04, id));
}

/** @param id  what the issuer's own certificate has as subjectKeyIdentifier */
export function authorityKeyIdentifier(id: Buffer): Buffer {
  return extension("551d23", false, sequence(element(0x80, id)));
}

/** subjectAltName with one directoryName, as the TCG's profile wants it. */
export function tpmName(manufacturer: string, model: string, version: string): Buffer {
  const values = [manufacturer, model, version].map((value, index) =>
    element(0x31, sequence(oid(`678105020${index + 1}`), element(0x0c, Buffer.from(value)))),
  );
  return extension("551d11", true, sequence(element(0xa4, sequence(...values))));
}

/** An honest endorsement key certificate's extensions. @param usage  see keyUsage */
export function ekExtensions(usage = 0x20): readonly Buffer[] {
  return [
    basicConstraints(false),
    keyUsage(usage),
    extendedKeyUsage("6781050801"),
    tpmName("id:45584d50", "TEST", "id:00010002"),
  ];
}

/**
 * A certificate authority with a key of its own, where none is given.
 * @param above      who signs its certificate; itself where undefined
 * @param overrides  what is to be wrong with it
 */
export function createAuthority(
  commonName: string,
  above?: MadeAuthority,
  overrides: Partial<CertificateParts> & { readonly keyType?: "rsa" | "ec"; readonly key?: KeyObject } = {},
): MadeAuthority {
  const key = overrides.key ?? newKey(overrides.keyType);
  const der = createCertificate(above?.key ?? key, {
    spkiDer: createPublicKey(key).export({ format: "der", type: "spki" }),
    subject: commonName,
    issuer: above?.name ?? commonName,
    extensions: [basicConstraints(true), keyUsage(0x04)],
    ...overrides,
  });
  return { name: commonName, key, der, pem: pemOf(der) };
}

function newKey(keyType: "rsa" | "ec" = "rsa"): KeyObject {
  return keyType === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey
    : generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

export function pemOf(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
