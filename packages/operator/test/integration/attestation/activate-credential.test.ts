/** The verifier against a real TPM implementation: what it makes must be opened by the TPM, and by nothing else. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodeChallenge,
  encodeChallenge,
  formatAttestationHeader,
  parseAttestationHeader,
} from "@rancheros/protocol/messages";
import { objectName } from "@rancheros/protocol/tpm";
import { checkChallengeAnswer, makeCredential, verifyAttestation } from "../../../src/attestation/index.ts";
import { startTpmByHand } from "./tpm-by-hand.ts";
import type { TpmByHand } from "./tpm-by-hand.ts";

let tpm: TpmByHand;

beforeAll(async () => {
  tpm = await startTpmByHand();
});

afterAll(async () => {
  await tpm.stop();
});

describe("a credential of ours", () => {
  it.each([
    ["rsa-certificate", "rsa-child"],
    ["rsa", "rsa-child"],
    ["rsa", "rsa-primary"],
    ["rsa", "ecc-primary"],
    ["ecc", "rsa-child"],
    ["ecc", "rsa-primary"],
  ] as const)("for the endorsement key %s and the attestation key %s is opened by the TPM", async (ekKind, akKind) => {
    const ak = await tpm.createAttestationKey(akKind);
    const header = formatAttestationHeader({ ek: await tpm.endorsementKey(ekKind), ak });
    const { endorsementKey, attestationKey } = verifyAttestation(parseAttestationHeader(header));
    const secret = randomBytes(32);
    const credential = makeCredential({ ek: endorsementKey, akName: attestationKey.name, secret, randomBytes });
    const challenge = decodeChallenge(encodeChallenge(credential));
    const answer = await tpm.activate(akKind, ekKind, challenge);
    expect(checkChallengeAnswer(secret, answer)).toBe(true);
  });

  it("for another attestation key is refused by the TPM", async () => {
    const theirs = await tpm.createAttestationKey("ecc-primary");
    await tpm.createAttestationKey("rsa-child");
    const ek = await tpm.endorsementKey("rsa");
    const { endorsementKey } = verifyAttestation({ ek, ak: theirs });
    const akName = objectName(theirs.public);
    const credential = makeCredential({ ek: endorsementKey, akName, secret: randomBytes(32), randomBytes });
    await expect(tpm.activate("rsa-child", "rsa", credential)).rejects.toThrow(/integrity/);
  });
});

describe("the endorsement key", () => {
  it("has one hash, from its certificate or bare", async () => {
    const ak = await tpm.createAttestationKey("rsa-primary");
    const certified = verifyAttestation({ ek: await tpm.endorsementKey("rsa-certificate"), ak });
    const bare = verifyAttestation({ ek: await tpm.endorsementKey("rsa"), ak });
    expect(certified.endorsementKey.hash).toBe(bare.endorsementKey.hash);
    expect(certified.endorsementKey.certificate?.issuer).toContain("swtpm");
  });
});

describe("qualifying data", () => {
  it("that the TPM signed is required", async () => {
    const qualifyingData = randomBytes(32);
    const ek = await tpm.endorsementKey("rsa");
    const ak = await tpm.createAttestationKey("rsa-primary", qualifyingData);
    expect(verifyAttestation({ ek, ak }, { qualifyingData }).attestationKey.clockInfo.safe).toBe(true);
    expect(() => verifyAttestation({ ek, ak }, { qualifyingData: randomBytes(32) })).toThrow(
      expect.objectContaining({ code: "AK_QUALIFYING_DATA" }),
    );
  });
});
