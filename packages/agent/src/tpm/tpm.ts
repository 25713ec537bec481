/** What a node can prove about itself with its TPM. */

import type { EndorsementKeyKind } from "./endorsement-kind.ts";
import type { TpmError } from "./errors.ts";

/** Where the endorsement key (EK), the identity of the machine, was found. */
export type EndorsementKeySource =
  | {
      readonly kind: "certificate";
      /** For example 0x01C00002. */
      readonly nvIndex: number;
      /** The certificate alone, without wrapper and padding. */
      readonly certificateDer: Buffer;
      readonly issuer: string;
      readonly subject: string;
      readonly notBefore: Date;
      readonly notAfter: Date;
    }
  | {
      readonly kind: "template";
      /** Why not from a certificate, one sentence. */
      readonly why: string;
      /**
       * Set when there is something at the certificate's place that is no usable certificate, as against nothing at all.
       * The key is then the same that rancherd takes; whoever registers a machine should stop and say so.
       */
      readonly certificateProblem?: TpmError;
    };

export interface EndorsementKey {
  readonly kind: EndorsementKeyKind;
  readonly source: EndorsementKeySource;
  /** SubjectPublicKeyInfo in its one canonical spelling. */
  readonly publicKeySpkiDer: Buffer;
  /** SHA-256 of it, 64 lower-case hexadecimal digits: what `get-tpm-hash` prints. */
  readonly hash: string;
}

/** An attestation key (AK): lives in the TPM as long as the Tpm that made it is open, and only signs what the TPM says. */
export interface AttestationKey {
  /** TPMT_PUBLIC */
  readonly publicArea: Buffer;
  /** TPMS_CREATION_DATA */
  readonly creationData: Buffer;
  /** TPMS_ATTEST of TPM2_CertifyCreation */
  readonly attestation: Buffer;
  /** TPMT_SIGNATURE over the attestation, by the key itself */
  readonly signature: Buffer;
  /** nameAlg and digest: what a credential challenge is bound to */
  readonly name: Buffer;
}

/** An opened TPM. Its operations run one after the other, in the order of the calls. Every failure is a TpmError. */
export interface Tpm {
  /** Asked of the TPM once; later calls get the same answer. */
  readEndorsementKey(): Promise<EndorsementKey>;
  /**
   * Certificates that the TPM holds between the endorsement key's and its maker's root: DER, believed by nobody. Empty where
   * it holds none, and where the key has no certificate. Asked of the TPM once.
   */
  readEndorsementChain(): Promise<readonly Buffer[]>;
  /**
   * Does all that takes long before createAttestationKey needs it: makes the AK and the EK, which can take 20 s each.
   * @throws TpmError as createAttestationKey
   */
  prepareAttestation(): Promise<void>;
  /**
   * Makes the AK (once) and has the TPM attest its creation, and prepares everything for activateCredential: after this
   * the answer to a server takes one command, however slow the TPM is at making keys.
   * @param options.qualifyingData  at most 32 bytes that the attestation repeats, may be empty
   * @throws TpmError also TPM_EK_CERTIFICATE_MISMATCH, as the key that the certificate certifies is looked for here
   */
  createAttestationKey(options: { readonly qualifyingData: Uint8Array }): Promise<AttestationKey>;
  /**
   * Opens a challenge that was made for this TPM's EK and for `attestationKey`.
   * @param credentialBlob   TPM2B_ID_OBJECT with its size
   * @param encryptedSecret  TPM2B_ENCRYPTED_SECRET with its size
   * @returns                the secret
   * @throws TpmError TPM_CHALLENGE_MALFORMED, TPM_CHALLENGE_REFUSED
   */
  activateCredential(
    attestationKey: AttestationKey,
    credentialBlob: Uint8Array,
    encryptedSecret: Uint8Array,
  ): Promise<Uint8Array>;
  /**
   * Takes the session and the loaded keys of an attestation out of the TPM, whether it was answered or not: as long as one
   * session lies saved, the TPM refuses others after so many (255 on some chips). Never throws; what could not be taken
   * out is tried again before the next attestation, and at the end.
   */
  endAttestation(): Promise<void>;
  /**
   * Takes everything out of the TPM that was put in, also after a failure, a time-out or an abort, and removes the
   * temporary files. Never throws, so that it does not hide the error that led to it: see the event "left-behind".
   */
  close(): Promise<void>;
}
