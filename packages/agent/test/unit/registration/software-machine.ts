/** A machine whose TPM is software: with real keys, so that what a server checks of them is what it checks of a chip. */
import { TpmError, type Tpm } from "@rancheros/agent/tpm";

import { createSoftwareTpm, type SoftwareTpm } from "../../../../../test/software-tpm/index.ts";

export interface SoftwareMachine {
  readonly tpm: Tpm;
  readonly software: SoftwareTpm;
  /** Names of the operations, in their order. */
  readonly calls: string[];
}

export function createSoftwareMachine(): SoftwareMachine {
  const software = createSoftwareTpm();
  const calls: string[] = [];
  const tpm: Tpm = {
    async readEndorsementKey() {
      calls.push("readEndorsementKey");
      const { ekSpkiDer, ekHash } = software;
      const source = { kind: "template", why: "this TPM has no certificate" } as const;
      return { kind: "rsa2048", source, publicKeySpkiDer: ekSpkiDer, hash: ekHash };
    },
    async readEndorsementChain() {
      calls.push("readEndorsementChain");
      return [];
    },
    async prepareAttestation() {
      calls.push("prepareAttestation");
    },
    async createAttestationKey({ qualifyingData }) {
      calls.push("createAttestationKey");
      const { ak } = software.attestationData({ qualifyingData: Buffer.from(qualifyingData) });
      const { createData: creationData, createAttestation: attestation, createSignature: signature } = ak;
      return { publicArea: ak.public, creationData, attestation, signature, name: software.akName };
    },
    async activateCredential(_attestationKey, credentialBlob, encryptedSecret) {
      calls.push("activateCredential");
      try {
        return software.activateCredential(Buffer.from(credentialBlob), Buffer.from(encryptedSecret));
      } catch (cause) {
        throw new TpmError("TPM_CHALLENGE_REFUSED", "the TPM refuses the challenge", { cause });
      }
    },
    async endAttestation() {
      calls.push("endAttestation");
    },
    async close() {
      calls.push("close");
    },
  };
  return { tpm, software, calls };
}
