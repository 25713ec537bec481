import { describe, expect, it } from "vitest";
import { ekHash } from "@rancheros/protocol/tpm";
import {
  AttestationError,
  KNOWN_WEAK_HASHES,
  KNOWN_WEAK_KEYS,
  verifyEndorsementKey,
} from "../../../src/attestation/index.ts";
import keys from "./testdata/known-weak-keys.json" with { type: "json" };
import { hex, swtpm } from "./swtpm-vectors.ts";

describe("the list of published keys", () => {
  it("names each of the keys whose publication it says, once", () => {
    const published = keys.map(({ origin, spki }) => ({ ekHash: ekHash(hex(spki)), origin }));
    expect(KNOWN_WEAK_KEYS).toEqual(published);
    expect(KNOWN_WEAK_HASHES.size).toBe(keys.length);
  });

  it.each(keys)("refuses the key of $origin, which would be taken otherwise", ({ spki }) => {
    const ek = { type: "public-key", spkiDer: hex(spki) } as const;
    const policy = { acceptRsa3072: true };
    expect(verifyEndorsementKey(ek, policy).hash).toBe(ekHash(ek.spkiDer));
    const refused = () => verifyEndorsementKey(ek, { ...policy, knownWeakHashes: KNOWN_WEAK_HASHES });
    expect(refused).toThrow(expect.objectContaining({ code: "EK_KNOWN_WEAK" }));
    expect(refused).toThrow(AttestationError);
  });

  it("has no key that a TPM made for itself", () => {
    for (const { spki } of [swtpm.endorsementKeys.rsa, swtpm.endorsementKeys.ecc]) {
      expect(KNOWN_WEAK_HASHES.has(ekHash(hex(spki)))).toBe(false);
    }
  });
});
