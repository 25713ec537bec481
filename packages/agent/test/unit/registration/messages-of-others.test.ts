/** What other people's bytes become: the configuration, a sentence, a cloud-config's settings. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { anyCharacter } from "../../../../../test/any-character.ts";
import { registrationSettings } from "../../../src/registration/cloud-config.ts";
import { foreignText } from "../../../src/registration/foreign-text.ts";
import { parseInstallConfig } from "../../../src/registration/install-config.ts";

const AS_IT_IS = (text: string): string => text;

describe("parseInstallConfig", () => {
  it("gives the object as it was sent", () => {
    // As the original sends it: one line and a newline.
    const message = `{"rancherd":{"token":"tpm://"},"rancheros":{"install":{"automatic":true}}}\n`;
    expect(parseInstallConfig(Buffer.from(message))).toEqual({
      rancherd: { token: "tpm://" },
      rancheros: { install: { automatic: true } },
    });
  });

  it.each(["", "null", "[]", '"text"', "1", "{", '{"a":1} {"b":2}', "cluster not assigned"])("refuses %j", (text) => {
    expect(() => parseInstallConfig(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: "REGISTRATION_NONSENSE" }),
    );
  });

  it("refuses more than 64 KiB, and never shows what it was", () => {
    const large = Buffer.from(JSON.stringify({ canary: "x".repeat(64 * 1024) }));
    expect(() => parseInstallConfig(large)).toThrow(/65536 bytes/);
    for (const bytes of [Buffer.from("canary: yes"), Buffer.from([0x22, 0xff, 0x22])]) {
      expect(() => parseInstallConfig(bytes)).toThrow(/^(?!.*canary)/);
    }
  });

  it("throws nothing but its own error", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          try {
            expect(parseInstallConfig(bytes)).toBeTypeOf("object");
          } catch (error) {
            expect(error).toMatchObject({ code: "REGISTRATION_NONSENSE" });
          }
        },
      ),
    );
  });
});

describe("foreignText", () => {
  it("makes one line of it", () => {
    expect(foreignText("one\r\n\ttwo\u2028three\n", AS_IT_IS)).toBe("one two three");
  });

  it("leaves pages out", () => {
    for (const page of ["<html>x</html>", "\n<!DOCTYPE html>", '<?xml version="1.0"?>']) {
      expect(foreignText(page, AS_IT_IS)).toBe("");
    }
  });

  it("is short, and cannot move a cursor or turn text around", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 2000 }), (text) => {
        const said = foreignText(text, AS_IT_IS);
        expect(said.length).toBeLessThanOrEqual(303);
        expect(said).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it("takes secrets out before it cuts", () => {
    const said = foreignText(`${"x".repeat(295)}secret`, (text) => text.replaceAll("secret", "s..."));
    expect(said).not.toContain("sec");
  });
});

describe("registrationSettings", () => {
  it.each([
    { rancheros: { install: { registrationURL: "https://h/x", registrationCACert: "PEM" } } },
    { rancheros: { install: { registrationUrl: "https://h/x", registrationCaCert: "PEM" } } },
    { RancherOS: { Install: { registration_url: "https://h/x", "registration-ca-cert": "PEM" } } },
  ])("finds the keys in any case: %j", (document) => {
    expect(registrationSettings(document)).toMatchObject({ url: "https://h/x", caPem: "PEM" });
  });

  it("finds them behind other spellings of the same names, of which the later counts", () => {
    const found = { url: "https://h/x", caPem: "PEM" };
    const install = { registrationURL: "https://h/x", registrationCACert: "PEM" };
    for (const document of [
      { rancherOS: { install: { device: "x" } }, rancheros: { install } },
      { rancheros: { install }, rancherOS: null },
      { rancheros: { Install: { registrationCACert: "PEM" }, install: { registration_url: "https://h/x" } } },
      { rancheros: { install: { registrationUrl: "https://before", ...install } } },
      { rancheros: { install: { ...install, registration_url: null } } },
    ]) {
      expect(registrationSettings(document)).toMatchObject(found);
    }
  });

  it("takes an empty CA for none", () => {
    const install = { registrationURL: "https://h/x", registrationCACert: " " };
    expect(registrationSettings({ rancheros: { install } })).toMatchObject({ url: "https://h/x", caPem: undefined });
    expect(
      registrationSettings({ rancheros: { install: { ...install, registrationCACert: null } } }).caPem,
    ).toBeUndefined();
  });

  it.each([
    undefined,
    null,
    "text",
    [],
    {},
    { rancheros: null },
    { rancheros: { install: {} } },
    { rancheros: { install: { registrationURL: 1 } } },
    { rancheros: { install: { registrationURL: "" } } },
    { rancheros: { install: { registrationURL: "https://h/x", registrationCACert: ["PEM"] } } },
  ])("refuses %j", (document) => {
    expect(() => registrationSettings(document)).toThrow(
      expect.objectContaining({ code: "REGISTRATION_CLOUD_CONFIG_INVALID", failure: "usage" }),
    );
  });
});
