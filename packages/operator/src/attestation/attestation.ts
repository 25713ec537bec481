/** Both keys of one machine, verified together: the only thing that a challenge is made for. */
import type { AttestationData } from "@rancheros/protocol/messages";
import { verifyAttestationKey } from "./attestation-key.ts";
import { verifyEndorsementKey } from "./endorsement-key.ts";
import type { AttestationKeyExpectation, VerifiedAttestationKey } from "./attestation-key.ts";
import type { EndorsementKeyPolicy, VerifiedEndorsementKey } from "./endorsement-key.ts";

/**
 * What a machine claims, with every check passed that needs no answer from its TPM. The private field keeps everybody
 * else from making one, and from putting one machine's EK together with another's AK.
 */
class VerifiedAttestation {
  readonly endorsementKey: VerifiedEndorsementKey;
  readonly #attestationKey: VerifiedAttestationKey;

  constructor(endorsementKey: VerifiedEndorsementKey, attestationKey: VerifiedAttestationKey) {
    this.endorsementKey = endorsementKey;
    this.#attestationKey = attestationKey;
  }

  get attestationKey(): VerifiedAttestationKey {
    return this.#attestationKey;
  }
}

// Only the type leaves this file.
export type { VerifiedAttestation };

/**
 * @param data  as the machine sent it
 * @throws AttestationError, the endorsement key's faults first
 */
export function verifyAttestation(
  data: AttestationData,
  policy: EndorsementKeyPolicy & AttestationKeyExpectation = {},
): VerifiedAttestation {
  return new VerifiedAttestation(verifyEndorsementKey(data.ek, policy), verifyAttestationKey(data.ak, policy));
}
