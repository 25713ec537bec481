/** A TPM whose maker vouches for it: the chain of swtpm_setup --create-ek-cert, and a credential for the key in it. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checkChallengeAnswer,
  judgeMachine,
  makeCredential,
  trustAnchors,
  verifyAttestation,
  verifyEkCertificate,
} from "../../../src/attestation/index.ts";
import { startTpmByHand } from "./tpm-by-hand.ts";
import type { TpmByHand } from "./tpm-by-hand.ts";

const options = { nowMs: Date.now(), expired: "refuse" } as const;
let short: TpmByHand;
let long: TpmByHand;

beforeAll(async () => {
  [short, long] = [await startTpmByHand(2048), await startTpmByHand(3072)];
});

afterAll(async () => {
  await Promise.all([short, long].map((tpm) => tpm.stop()));
});

async function anchorsOf(tpm: TpmByHand, kind: "virtual" | "hardware") {
  const { root, intermediate } = await tpm.authority();
  return trustAnchors({ [kind]: root, intermediate });
}

async function certificateOf(tpm: TpmByHand, kind: "rsa-certificate" | "rsa3072-certificate"): Promise<Buffer> {
  const ek = await tpm.endorsementKey(kind);
  return ek.type === "certificate" ? ek.certificateDer : Buffer.alloc(0);
}

describe.each([
  ["RSA-2048", () => short, "rsa-certificate"],
  ["RSA-3072", () => long, "rsa3072-certificate"],
] as const)("a TPM with %s", (_name, tpmOf, kind) => {
  it("is admitted by its chain and opens the credential that was made for its key", async () => {
    const tpm = tpmOf();
    const ek = await tpm.endorsementKey(kind);
    const ak = await tpm.createAttestationKey("rsa-primary");
    const { endorsementKey, attestationKey } = verifyAttestation({ ek, ak }, { acceptRsa3072: true });
    const verdict = verifyEkCertificate(await certificateOf(tpm, kind), await anchorsOf(tpm, "virtual"), options);
    expect(verdict).toMatchObject({ class: "virtual", root: "CN=swtpm-localca-rootca", ekHash: endorsementKey.hash });
    expect(verdict.tpm?.model).toBe("swtpm");
    judgeMachine(
      { class: "virtual", endorsementKeys: [endorsementKey.hash] },
      { ekHash: endorsementKey.hash, verdict },
    );

    const secret = randomBytes(32);
    const credential = makeCredential({ ek: endorsementKey, akName: attestationKey.name, secret, randomBytes });
    const answer = await tpm.activate("rsa-primary", kind, credential);
    expect(checkChallengeAnswer(secret, answer)).toBe(true);
  });

  it("opens no credential for another attestation key", async () => {
    const tpm = tpmOf();
    const ek = await tpm.endorsementKey(kind);
    const theirs = await tpm.createAttestationKey("ecc-primary");
    await tpm.createAttestationKey("rsa-primary");
    const { endorsementKey, attestationKey } = verifyAttestation({ ek, ak: theirs }, { acceptRsa3072: true });
    const secret = randomBytes(32);
    const credential = makeCredential({ ek: endorsementKey, akName: attestationKey.name, secret, randomBytes });
    await expect(tpm.activate("rsa-primary", kind, credential)).rejects.toThrow(/integrity/);
  });

  it("is nobody's with the authority of another host, and no hardware with its own", async () => {
    const tpm = tpmOf();
    const other = tpm === short ? long : short;
    const der = await certificateOf(tpm, kind);
    // Both hosts' authorities have the same names, and other key identifiers: the other one is no authority of this key.
    const foreign = verifyEkCertificate(der, await anchorsOf(other, "virtual"), options);
    expect(foreign).toMatchObject({ class: "none", problem: { code: "EK_CHAIN_UNKNOWN_ROOT" } });
    const verdict = verifyEkCertificate(der, await anchorsOf(tpm, "virtual"), options);
    const ekHash = verdict.ekHash ?? "";
    expect(() => judgeMachine({ class: "hardware" }, { ekHash, verdict })).toThrow(
      expect.objectContaining({ code: "TRUST_CLASS_NOT_PROVED" }),
    );
  });
});

describe("an endorsement key of RSA-3072", () => {
  it("is refused by whoever does not ask for it", async () => {
    const ek = await long.endorsementKey("rsa3072-certificate");
    const ak = await long.createAttestationKey("rsa-primary");
    expect(() => verifyAttestation({ ek, ak })).toThrow(expect.objectContaining({ code: "EK_SIZE_UNSUPPORTED" }));
  });
});
