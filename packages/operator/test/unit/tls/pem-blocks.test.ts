import * as fc from "fast-check";
import { expect, it } from "vitest";
import { trustAnchors } from "../../../src/attestation/index.ts";
import { readCaBundle } from "../../../src/registry/index.ts";
import { pemBlocks } from "../../../src/tls/index.ts";

/** What it is to find, by an expression that needs the square of the time for beginnings without an end. */
const SLOW = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;

const part = fc.constantFrom(
  "-----BEGIN A-----",
  "-----END A-----",
  "-----BEGIN B C-----",
  "-----END B C-----",
  "-----BEGIN ",
  "-----",
  "----",
  "-",
  "\n",
  "AAAA",
  "text",
);

it("finds what an expression would find, whatever stands there", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 24 }), (parts) => {
      const text = parts.join("");
      const expected = [...text.matchAll(SLOW)].map(([whole, label, body]) => ({ label, body, whole }));
      expect(pemBlocks(text)).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});

it("is through with a whole ConfigMap of beginnings at once, as are those who read such texts", () => {
  const labels = Array.from({ length: 2 ** 15 }, (_, index) => `-----BEGIN ${index.toString(36).toUpperCase()}-----`);
  for (const text of ["-----BEGIN A-----\n".repeat(2 ** 16), labels.join("\n"), "-".repeat(2 ** 20)]) {
    expect(pemBlocks(text)).toEqual([]);
    expect(trustAnchors({ hardware: text }).problems).toEqual(["key hardware: holds no PEM certificate"]);
    expect(() => readCaBundle(text)).toThrow("the file has no certificate in it");
  }
});
