/** The captures of a software TPM that the protocol's tests use too; `origin` in the file says how they were made. */
import vectors from "../../../../protocol/test/unit/tpm/testdata/swtpm.json" with { type: "json" };
import type { AttestationKeyParameters } from "@rancheros/protocol/messages";

export const swtpm = vectors;

export function hex(digits: string): Buffer {
  return Buffer.from(digits, "hex");
}

export function attestationKeyVector(name: keyof typeof vectors.attestationKeys): AttestationKeyParameters {
  const vector = vectors.attestationKeys[name];
  return {
    public: hex(vector.public),
    createData: hex(vector.createData),
    createAttestation: hex(vector.createAttestation),
    createSignature: hex(vector.createSignature),
  };
}
