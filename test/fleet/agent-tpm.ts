/** A software TPM as the agent sees its chip. */
import { TpmError, type Tpm } from "@rancheros/agent/tpm";
import type { SoftwareTpm } from "../software-tpm/index.ts";

export function agentTpm(software: SoftwareTpm): Tpm {
  return {
    async readEndorsementKey() {
      const { ekSpkiDer, ekHash } = software;
      const source = { kind: "template", why: "this TPM has no certificate" } as const;
      return { kind: "rsa2048", source, publicKeySpkiDer: ekSpkiDer, hash: ekHash };
    },
    readEndorsementChain: async () => [],
    prepareAttestation: async () => undefined,
    async createAttestationKey({ qualifyingData }) {
      const { ak } = software.attestationData({ qualifyingData: Buffer.from(qualifyingData) });
      const { createData: creationData, createAttestation: attestation, createSignature: signature } = ak;
      return { publicArea: ak.public, creationData, attestation, signature, name: software.akName };
    },
    async activateCredential(_attestationKey, credentialBlob, encryptedSecret) {
      try {
        return software.activateCredential(Buffer.from(credentialBlob), Buffer.from(encryptedSecret));
      } catch (cause) {
        throw new TpmError("TPM_CHALLENGE_REFUSED", "the TPM refuses the challenge", { cause });
      }
    },
    endAttestation: async () => undefined,
    close: async () => undefined,
  };
}
