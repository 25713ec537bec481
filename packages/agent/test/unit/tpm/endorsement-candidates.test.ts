import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { RSA_AK_TEMPLATE, RSA_EK_TEMPLATE, encodePublicArea } from "@rancheros/protocol/tpm";
import { uniqueOf } from "../../../src/tpm/endorsement-candidates.ts";

const seed = Buffer.alloc(256, 0x5a);
const template = encodePublicArea({ ...RSA_EK_TEMPLATE, modulus: seed });

/** The four cases of TCG EK Credential Profile 2.5, 2.2.1.6. */
describe("uniqueOf", () => {
  it("says nothing when there is neither template nor nonce", () => {
    expect(uniqueOf(undefined, undefined)).toBeUndefined();
  });

  it("takes the template's own seed as it is when there is no nonce", () => {
    expect(uniqueOf(template, undefined)).toEqual(seed);
  });

  it("takes the nonce, filled up with zeros, when there is one, with a template or without", () => {
    const nonce = Buffer.from("0102030405", "hex");
    const expected = Buffer.concat([nonce, Buffer.alloc(251)]);
    expect(uniqueOf(template, nonce)).toEqual(expected);
    expect(uniqueOf(undefined, nonce)).toEqual(expected);
  });

  it("says nothing for a nonce that is larger than the key", () => {
    expect(uniqueOf(undefined, Buffer.alloc(257))).toBeUndefined();
  });

  it("says nothing for a template of another kind of key, so that no such key is made", () => {
    expect(uniqueOf(encodePublicArea(RSA_AK_TEMPLATE), undefined)).toBeUndefined();
    expect(uniqueOf(encodePublicArea({ ...RSA_EK_TEMPLATE, authPolicy: Buffer.alloc(32) }), undefined)).toBeUndefined();
  });

  it("says nothing for a damaged template, whatever the damage", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(uniqueOf(bytes, undefined)).toBeUndefined();
      }),
    );
    expect(uniqueOf(template.subarray(0, -1), undefined)).toBeUndefined();
  });
});
