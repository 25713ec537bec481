import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decodeResponseCode, describeResponseCode } from "@rancheros/agent/tpm";

/** Printed by tpm2-tools 5.4 on swtpm 0.7.1 (libtpms 0.9.2), each provoked by hand; the tools' own decoding beside it. */
const SEEN = [
  // Esys_CreatePrimary, endorsement password set: "tpm:session(1):authorization failure without DA implications"
  { code: 0x9a2, name: "TPM_RC_BAD_AUTH", about: { part: "session", number: 1 } },
  // Esys_Create, wrong parent password: "tpm:session(1):the authorization HMAC check failed and DA counter incremented"
  { code: 0x98e, name: "TPM_RC_AUTH_FAIL", about: { part: "session", number: 1 } },
  // Esys_NV_ReadPublic, index not defined: "tpm:handle(1):the handle is not correct for the use"
  { code: 0x18b, name: "TPM_RC_HANDLE", about: { part: "handle", number: 1 } },
  // Esys_FlushContext, gone: "tpm:parameter(1):the handle is not correct for the use"
  { code: 0x1cb, name: "TPM_RC_HANDLE", about: { part: "parameter", number: 1 } },
  // Esys_ActivateCredential, made for another AK: "tpm:parameter(1):integrity check failed"
  { code: 0x1df, name: "TPM_RC_INTEGRITY", about: { part: "parameter", number: 1 } },
  // Esys_ActivateCredential, session without PolicySecret: "tpm:session(2):a policy check failed"
  { code: 0xa9d, name: "TPM_RC_POLICY_FAIL", about: { part: "session", number: 2 } },
  // Esys_CertifyCreation in lockout: "tpm:warn(2.0): ... the TPM is in DA lockout mode"
  { code: 0x921, name: "TPM_RC_LOCKOUT", about: undefined },
  // Esys_CreatePrimary, fourth key: "tpm:warn(2.0): out of memory for object contexts"
  { code: 0x902, name: "TPM_RC_OBJECT_MEMORY", about: undefined },
  // Esys_ActivateCredential without session: "tpm:error(2.0): authValue or authPolicy is not available ..."
  { code: 0x12f, name: "TPM_RC_AUTH_UNAVAILABLE", about: undefined },
  // Esys_TR_FromTPMPublic of a flushed handle: "the 1st handle in the handle area references a transient object ..."
  { code: 0x910, name: "TPM_RC_REFERENCE_H0", about: undefined },
  // Esys_ActivateCredential, made for another EK: "tpm:error(2.0): commands not being accepted because of a TPM failure"
  { code: 0x101, name: "TPM_RC_FAILURE", about: undefined },
] as const;

/** TPM 2.0 Library part 2, section 6.6.3, table 16: value by hand from the RC_ columns. */
const FROM_THE_SPECIFICATION = [
  { code: 0x100, name: "TPM_RC_INITIALIZE" },
  { code: 0x120, name: "TPM_RC_DISABLED" },
  { code: 0x148, name: "TPM_RC_NV_LOCKED" },
  { code: 0x14a, name: "TPM_RC_NV_UNINITIALIZED" },
  { code: 0x901, name: "TPM_RC_CONTEXT_GAP" },
  { code: 0x908, name: "TPM_RC_YIELDED" },
  { code: 0x90a, name: "TPM_RC_TESTING" },
  { code: 0x920, name: "TPM_RC_NV_RATE" },
  { code: 0x922, name: "TPM_RC_RETRY" },
] as const;

describe("decodeResponseCode", () => {
  it.each(SEEN)("tells what $name (seen on a TPM) is about", ({ code, name, about }) => {
    const decoded = decodeResponseCode(code);
    expect(decoded).toMatchObject({ code, layer: "tpm", name });
    expect(decoded.about).toEqual(about);
  });

  it.each(FROM_THE_SPECIFICATION)("knows $name", ({ code, name }) => {
    expect(decodeResponseCode(code)).toEqual({ code, layer: "tpm", name });
  });

  it("reads the answer of a resource manager like that of the TPM", () => {
    const layerOfResourceManagerTpm = 0x000c0000;
    expect(decodeResponseCode(layerOfResourceManagerTpm | 0x902)).toMatchObject({
      layer: "resource-manager",
      name: "TPM_RC_OBJECT_MEMORY",
    });
  });

  it("tells a broken transport (tcti, IO error) from a TPM's answer", () => {
    expect(decodeResponseCode(0x000a000a)).toMatchObject({ layer: "transport", name: "TSS2_RC_0xa000a" });
  });

  it("tells the library's own complaint (mu, buffer too small) from a TPM's answer", () => {
    expect(decodeResponseCode(0x00090006)).toMatchObject({ layer: "library", name: "TSS2_RC_0x90006" });
  });

  it("names a code that it does not know by its number", () => {
    expect(decodeResponseCode(0x17f).name).toBe("TPM_RC_0x17f");
    expect(decodeResponseCode(0x500).name).toBe("TPM_RC_0x500");
    expect(decodeResponseCode(0x026).name).toBe("TPM_RC_0x26");
  });

  it("has an answer for every 32-bit number", () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffffffff }), (code) => {
        const decoded = decodeResponseCode(code);
        expect(decoded.code).toBe(code);
        expect(decoded.name).toMatch(/^(TPM|TSS2)_RC_\w+$/);
        expect(decoded.about?.number ?? 0).toBeLessThan(16);
      }),
    );
  });
});

describe("describeResponseCode", () => {
  it.each([
    [0x1df, "TPM_RC_INTEGRITY (0x1df) for parameter 1"],
    [0x9a2, "TPM_RC_BAD_AUTH (0x9a2) for session 1"],
    [0x922, "TPM_RC_RETRY (0x922)"],
    [0x17f, "TPM_RC_0x17f"],
    // Handle number 0: the TPM does not say which.
    [0x08b, "TPM_RC_HANDLE (0x8b)"],
  ])("says %d in one phrase", (code, phrase) => {
    expect(describeResponseCode(decodeResponseCode(code))).toBe(phrase);
  });
});
