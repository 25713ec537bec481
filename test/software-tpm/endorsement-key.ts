/** The endorsement key of a software TPM, RSA-2048 or P-256, and what a TPM does with it: open a credential's seed. */
import { constants, createECDH, createHash, privateDecrypt } from "node:crypto";
import { ByteReader, ekHash, encodeSubjectPublicKey } from "@rancheros/protocol/tpm";
import { bigintToBytes, rsaPrime, rsaPrivateKey } from "./rsa-primes.ts";
import type { KeyObject } from "node:crypto";
import type { RandomBytes } from "./rsa-primes.ts";

/** Keys as they are saved: numbers in lower-case hexadecimal. */
export type EndorsementKeyJson =
  | { readonly type: "rsa"; readonly p: string; readonly q: string }
  | { readonly type: "ec"; readonly privateKey: string };

export interface SoftwareEndorsementKey {
  readonly spkiDer: Buffer;
  readonly hash: string;
  /** @param wrapped  content of TPM2B_ENCRYPTED_SECRET; throws if it is not for this key */
  openSeed(wrapped: Buffer): Buffer;
  toJson(): EndorsementKeyJson;
}

export function generateRsaEndorsementKey(bits: number, randomBytes: RandomBytes): SoftwareEndorsementKey {
  return rsaEndorsementKey(rsaPrime(bits / 2, randomBytes), rsaPrime(bits / 2, randomBytes));
}

/** From two primes; the private key is only made when the first credential comes. */
export function rsaEndorsementKey(p: bigint, q: bigint): SoftwareEndorsementKey {
  const modulus = bigintToBytes(p * q);
  const spkiDer = encodeSubjectPublicKey({ type: "rsa", bits: modulus.length * 8, modulus, exponent: 65537 });
  let privateKey: KeyObject | undefined;
  return {
    spkiDer,
    hash: ekHash(spkiDer),
    openSeed: (wrapped) => {
      privateKey ??= rsaPrivateKey(p, q);
      const oaepLabel = Buffer.from("IDENTITY\0", "latin1");
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      return privateDecrypt({ key: privateKey, padding, oaepHash: "sha256", oaepLabel }, wrapped);
    },
    toJson: () => ({ type: "rsa", p: p.toString(16), q: q.toString(16) }),
  };
}

/** @param privateKey  32 bytes, a number below the order of P-256 */
export function ecEndorsementKey(privateKey: Buffer): SoftwareEndorsementKey {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(privateKey);
  const point = ecdh.getPublicKey();
  const x = point.subarray(1, 33);
  const spkiDer = encodeSubjectPublicKey({ type: "ec", curve: "P-256", x, y: point.subarray(33) });
  return {
    spkiDer,
    hash: ekHash(spkiDer),
    openSeed: (wrapped) => {
      const reader = new ByteReader(wrapped, "TPMS_ECC_POINT");
      const ephemeralX = reader.readSized({ maxBytes: 32 }, "x");
      const ephemeralY = reader.readSized({ maxBytes: 32 }, "y");
      reader.finish();
      const shared = ecdh.computeSecret(Buffer.concat([Buffer.from([4]), ephemeralX, ephemeralY]));
      // KDFe with SHA-256 for exactly one block: part 1, 11.4.10.3.
      const hash = createHash("sha256")
        .update(Buffer.from([0, 0, 0, 1]))
        .update(shared)
        .update("IDENTITY\0");
      return hash.update(ephemeralX).update(x).digest();
    },
    toJson: () => ({ type: "ec", privateKey: privateKey.toString("hex") }),
  };
}

export function endorsementKeyFromJson(json: EndorsementKeyJson): SoftwareEndorsementKey {
  return json.type === "rsa"
    ? rsaEndorsementKey(BigInt(`0x${json.p}`), BigInt(`0x${json.q}`))
    : ecEndorsementKey(Buffer.from(json.privateKey, "hex"));
}
