import { describe, expect, it } from "vitest";
import { cacertsBody, cacertsHash, cacertsKeyId } from "../../../src/rancherd/cacerts.ts";

// Origin of all values: the original operator's answers over curl, nonce and keys as given there.
const NONCE = "nonce-0123456789";
const BODY = "-----BEGIN CERTIFICATE-----\nR09MREVOIENB\n-----END CERTIFICATE-----\n";
const TPM_HASH = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

describe("cacerts", () => {
  it("adds the newline that the setting lacks", () => {
    expect(cacertsBody(BODY.trimEnd())).toBe(BODY);
    expect(cacertsBody(BODY)).toBe(BODY);
    expect(Buffer.byteLength(BODY)).toBe(67);
    expect(cacertsBody(undefined)).toBe("");
  });

  it("names keys as machines do", () => {
    expect(cacertsKeyId("golden-shared-secret")).toBe("/JPd4PpkpSSf1ODI/fj9mAG4VX+kG8CnZ0aHrfsOOTY=");
    expect(cacertsKeyId(TPM_HASH)).toBe("Koq/qMuZBikEN4VBk8prykHU1OJtHUVL1mo1FYCV5zc=");
  });

  it.each([
    [
      "golden-shared-secret",
      BODY,
      "gtSe6MQMDBMNcf3WAaFVq3qkJGMHvZCK1EuhIyBJHQ8GYKcCoZsOeG/+3UBgZXvSbMal4w/k3cJFYecMBrUw7Q==",
    ],
    [TPM_HASH, BODY, "f5PaQ2OTmhped5STPczkfgsimqjK2bJiN/lcKEOHd9HUbOZsHg3Ztif0LazrBSE9BIOM6aRyVgjOd3ef0yf5lA=="],
    [
      "golden-shared-secret",
      "INTERNAL-CA\n",
      "ksF9o30opctphnExxS7mUYuCtV3x/pXmGy937EQYMEIf3nE2Yz0/uuJxrsFn4xvYu8IkiIuGVGWQD1jYYekVSQ==",
    ],
    [
      "golden-shared-secret",
      "",
      "XGuPFffvfCQofQEw77PooZphuY4s/FDxRo+K4w33n1Tdj/qUfs+MwcyUT2tNZmV5RPRCLtCPSVvFC7B7KWExsg==",
    ],
  ])("signs for the key %s", (key, body, hash) => {
    expect(cacertsHash(key, NONCE, body)).toBe(hash);
  });
});
