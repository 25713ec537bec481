import { describe, expect, it } from "vitest";
import { kdfa, kdfe } from "../../../src/attestation/key-derivation.ts";
import vectors from "./testdata/key-derivation.json" with { type: "json" };

const hex = (digits: string): Buffer => Buffer.from(digits, "hex");

describe("OpenSSL's key derivations (testdata/key-derivation.json)", () => {
  it.each(vectors.kdfa)("KDFa $label, $sizeBytes bytes, is SP 800-108 in counter mode", (vector) => {
    const derived = kdfa(hex(vector.key), vector.label, hex(vector.contextU), hex(vector.contextV), vector.sizeBytes);
    expect(derived.toString("hex")).toBe(vector.result);
  });

  it.each(vectors.kdfe)("KDFe $use, $sizeBytes bytes, is SP 800-56C in one step", (vector) => {
    const { sharedX, use, partyUInfo, partyVInfo, sizeBytes } = vector;
    expect(kdfe(hex(sharedX), use, hex(partyUInfo), hex(partyVInfo), sizeBytes).toString("hex")).toBe(vector.result);
  });
});
