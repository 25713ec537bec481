import { describe, expect, it } from "vitest";
import { TPMA_OBJECT } from "@rancheros/protocol/tpm";
import { verifyAttestation } from "../../../src/attestation/index.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../../../../test/software-tpm/index.ts";
import { refusedWith, rsaAk, without } from "./attestation-mutations.ts";

describe("verifyAttestation", () => {
  const tpm = createSoftwareTpm({ ak: rsaAk });

  it("believes both keys of one machine", () => {
    const verified = verifyAttestation(tpm.attestationData());
    expect(verified.endorsementKey.hash).toBe(tpm.ekHash);
    expect(verified.attestationKey.name.equals(tpm.akName)).toBe(true);
  });

  it("reports the endorsement key first", () => {
    const mutate = {
      ...without(TPMA_OBJECT.FIXED_TPM),
      ek: () => ({ type: "public-key" as const, spkiDer: Buffer.alloc(3) }),
    };
    expect(() => verifyAttestation(tpm.attestationData({ mutate }))).toThrow(refusedWith("EK_UNREADABLE"));
  });

  it("refuses a record of another machine's attestation key", () => {
    const own = tpm.attestationData();
    const foreign = createSoftwareTpm({ ak: generateAttestationKey("rsa") }).attestationData();
    expect(() => verifyAttestation({ ...own, ak: { ...foreign.ak, public: own.ak.public } })).toThrow(
      refusedWith("AK_NAME"),
    );
  });

  it("gives something that cannot be put together by hand", () => {
    const verified = verifyAttestation(tpm.attestationData());
    const imitation = { endorsementKey: verified.endorsementKey, attestationKey: verified.attestationKey };
    const take = (attestation: typeof verified): string => attestation.endorsementKey.hash;
    // @ts-expect-error an object literal with the same fields is no VerifiedAttestation
    expect(take(imitation)).toBe(tpm.ekHash);
    expect(take(verified)).toBe(tpm.ekHash);
  });
});
