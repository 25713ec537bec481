/** One machine's TPM in software: everything that a registering client shows of a TPM, honest or not. */
import { randomBytes as cryptoRandomBytes } from "node:crypto";
import { formatAttestationHeader } from "@rancheros/protocol/messages";
import { unwrapTpm2b } from "@rancheros/protocol/tpm";
import { openCredential } from "./activate-credential.ts";
import { attestationKeyFromJson, generateAttestationKey } from "./attestation-key.ts";
import {
  ecEndorsementKey,
  endorsementKeyFromJson,
  generateRsaEndorsementKey,
  rsaEndorsementKey,
} from "./endorsement-key.ts";
import { PrimePairs } from "./prime-pairs.ts";
import type { AttestationData, AttestationKeyParameters, EndorsementKey } from "@rancheros/protocol/messages";
import type { AttestationMutations, SoftwareAttestationKey } from "./attestation-key.ts";
import type { EndorsementKeyJson, SoftwareEndorsementKey } from "./endorsement-key.ts";
import type { RandomBytes } from "./rsa-primes.ts";

export interface AttestationOptions {
  /** empty unless given, as rancherd does */
  readonly qualifyingData?: Buffer;
  readonly mutate?: AttestationMutations & { readonly ek?: (ek: EndorsementKey) => EndorsementKey };
}

export interface SoftwareTpmJson {
  readonly ek: EndorsementKeyJson;
  /** PKCS #8, base64 */
  readonly ak: string;
  /** DER, base64 */
  readonly ekCertificate?: string;
}

export interface SoftwareTpm {
  readonly ekSpkiDer: Buffer;
  /** 64 lower-case hexadecimal digits */
  readonly ekHash: string;
  readonly ak: SoftwareAttestationKey;
  readonly akName: Buffer;
  attestationData(options?: AttestationOptions): AttestationData;
  /** `attestationData` as the value of the Authorization header */
  authorization(options?: AttestationOptions): string;
  /** Both with their two-byte sizes; throws if they are not for this TPM and attestation key. */
  activateCredential(credentialBlob: Buffer, encryptedSecret: Buffer): Buffer;
  toJson(): SoftwareTpmJson;
}

export interface SoftwareTpmOptions {
  /** of the endorsement key; default RSA-2048 */
  readonly ekType?: "rsa" | "ec";
  readonly ekRsaBits?: number;
  readonly akType?: "rsa" | "ec";
  /** an attestation key to share between identities: making one takes most of the time */
  readonly ak?: SoftwareAttestationKey;
  /** sent in place of the bare key */
  readonly ekCertificateDer?: Buffer;
  /** the same randomness gives the same endorsement key; without it keys of one process share primes */
  readonly randomBytes?: RandomBytes;
}

export function createSoftwareTpm(options: SoftwareTpmOptions = {}): SoftwareTpm {
  const ak = options.ak ?? generateAttestationKey(options.akType ?? "rsa");
  return softwareTpm(makeEndorsementKey(options), ak, options.ekCertificateDer);
}

/** Finding two primes takes 50 ms of CPU; tests make hundreds of TPMs. */
const pairs = new PrimePairs(1024);

function makeEndorsementKey({ ekType, ekRsaBits, randomBytes }: SoftwareTpmOptions): SoftwareEndorsementKey {
  if (ekType === "ec") return ecEndorsementKey((randomBytes ?? cryptoRandomBytes)(32));
  if (ekRsaBits === undefined && randomBytes === undefined) return rsaEndorsementKey(...pairs.next());
  return generateRsaEndorsementKey(ekRsaBits ?? 2048, randomBytes ?? cryptoRandomBytes);
}

export function importSoftwareTpm(json: SoftwareTpmJson): SoftwareTpm {
  const certificate = json.ekCertificate === undefined ? undefined : Buffer.from(json.ekCertificate, "base64");
  return softwareTpm(endorsementKeyFromJson(json.ek), attestationKeyFromJson(json.ak), certificate);
}

/** Puts a TPM together from keys that exist. */
export function softwareTpm(
  ek: SoftwareEndorsementKey,
  ak: SoftwareAttestationKey,
  ekCertificateDer?: Buffer,
): SoftwareTpm {
  const honestEk: EndorsementKey =
    ekCertificateDer === undefined
      ? { type: "public-key", spkiDer: ek.spkiDer }
      : { type: "certificate", certificateDer: ekCertificateDer };
  const attestationData = (options: AttestationOptions = {}): AttestationData => ({
    ek: options.mutate?.ek === undefined ? honestEk : options.mutate.ek(honestEk),
    ak:
      options.qualifyingData === undefined && options.mutate === undefined
        ? plainAttestation(ak)
        : ak.certifyCreation(options.qualifyingData ?? Buffer.alloc(0), options.mutate ?? {}),
  });
  return {
    ekSpkiDer: ek.spkiDer,
    ekHash: ek.hash,
    ak,
    akName: ak.name,
    attestationData,
    authorization: (options) => formatAttestationHeader(attestationData(options)),
    activateCredential: (credentialBlob, encryptedSecret) =>
      openCredential(ek.openSeed(unwrapTpm2b(encryptedSecret, "TPM2B_ENCRYPTED_SECRET")), ak.name, credentialBlob),
    toJson: () => ({
      ek: ek.toJson(),
      ak: ak.toJson(),
      ...(ekCertificateDer === undefined ? {} : { ekCertificate: ekCertificateDer.toString("base64") }),
    }),
  };
}

/** Signed once for each key, because a fleet shares one and a signature costs half a millisecond. */
const plainAttestations = new WeakMap<SoftwareAttestationKey, AttestationKeyParameters>();

function plainAttestation(ak: SoftwareAttestationKey): AttestationKeyParameters {
  const known = plainAttestations.get(ak);
  if (known !== undefined) {
    return known;
  }
  const made = ak.certifyCreation(Buffer.alloc(0), {});
  plainAttestations.set(ak, made);
  return made;
}
