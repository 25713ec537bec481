import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { caFromPin, parsePin, readCaCertificates } from "../../../src/registration/trust.ts";

import { ONE_CA, ONE_FINGERPRINT, OTHER_CA, OTHER_FINGERPRINT } from "./certificates.ts";

const HEX = "ab".repeat(32);

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("parsePin", () => {
  it.each([
    HEX,
    HEX.toUpperCase(),
    `sha256:${HEX}`,
    `SHA256 Fingerprint=${HEX.toUpperCase().replaceAll(/(..)(?=.)/g, "$1:")}`,
    `sha256 Fingerprint=${HEX}`,
    `SHA-256:${HEX}`,
    ` ${HEX}\n`,
  ])("reads %j", (text) => {
    expect(parsePin(text)).toBe(HEX);
  });

  it("takes nothing but 64 digits, and throws nothing but its own error", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parsePin(text)).toMatch(/^[0-9a-f]{64}$/);
        } catch (error) {
          expect(error).toMatchObject({ code: "REGISTRATION_TRUST_INVALID" });
        }
      }),
    );
    expect(() => parsePin(HEX.slice(1))).toThrow(expect.objectContaining({ code: "REGISTRATION_TRUST_INVALID" }));
    expect(() => parsePin(`md5:${HEX}`)).toThrow(expect.objectContaining({ code: "REGISTRATION_TRUST_INVALID" }));
  });
});

describe("caFromPin", () => {
  const both = `# both\n${ONE_CA}${OTHER_CA}`;

  it("takes all of a body whose checksum is pinned, and only the certificates of it", () => {
    const ca = caFromPin(Buffer.from(both), sha256(both));
    expect(ca).toContain(ONE_CA.trim());
    expect(ca).toContain(OTHER_CA.trim());
    expect(ca).not.toContain("# both");
  });

  it.each([
    { pinned: ONE_CA, fingerprint: ONE_FINGERPRINT },
    { pinned: OTHER_CA, fingerprint: OTHER_FINGERPRINT },
  ])(
    "takes of several certificates the pinned one alone: nothing vouches for the others",
    ({ pinned, fingerprint }) => {
      expect(caFromPin(Buffer.from(both), parsePin(fingerprint))).toBe(pinned.trim());
    },
  );

  it.each([
    { what: "another certificate", body: OTHER_CA },
    { what: "nothing", body: "" },
    { what: "a page", body: "<html></html>" },
    { what: "a broken certificate", body: ONE_CA.replace(/\n[\w+/]{10}/, "\nAAAAAAAAAA") },
    { what: "one changed byte behind the pinned body", body: `${both} ` },
  ])("refuses $what", ({ body }) => {
    const pin = body.startsWith("# both") ? sha256(both) : parsePin(ONE_FINGERPRINT);
    expect(() => caFromPin(Buffer.from(body), pin)).toThrow(
      expect.objectContaining({ code: "REGISTRATION_PIN_MISMATCH", failure: "refused", retry: "never" }),
    );
  });

  it("refuses a body without certificates although its checksum is pinned", () => {
    expect(() => caFromPin(Buffer.from("hello"), sha256("hello"))).toThrow(/no CA certificate/);
  });
});

describe("readCaCertificates", () => {
  it("finds the certificates between other text", () => {
    expect(readCaCertificates(`subject\n${ONE_CA}\nissuer\n${OTHER_CA}`, "ca.pem")).toEqual([
      ONE_CA.trim(),
      OTHER_CA.trim(),
    ]);
  });

  it.each([
    "",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    `${ONE_CA}${ONE_CA.replace("MII", "AII")}`,
  ])("refuses %j", (text) => {
    expect(() => readCaCertificates(text, "ca.pem")).toThrow(/ca\.pem/);
  });
});
