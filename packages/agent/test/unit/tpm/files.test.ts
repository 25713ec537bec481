import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { encodeCredentialFile } from "../../../src/tpm/credential-file.ts";
import { readSessionHandle } from "../../../src/tpm/session-file.ts";

function sized(content: Uint8Array): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(content.length);
  return Buffer.concat([size, content]);
}

describe("encodeCredentialFile", () => {
  it("writes the header of tpm2_makecredential 5.4 and both structures as they came", () => {
    const blob = sized(Buffer.alloc(68, 0xaa));
    const secret = sized(Buffer.alloc(256, 0xbb));
    const file = encodeCredentialFile(blob, secret);
    // First bytes of a file that tpm2_makecredential 5.4 wrote for a 32-byte secret: badcc0de 00000001 0044 ...
    expect(file.subarray(0, 10).toString("hex")).toBe("badcc0de000000010044");
    expect(file.length).toBe(336);
    expect(file.subarray(8)).toEqual(Buffer.concat([blob, secret]));
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["no content", sized(Buffer.alloc(0))],
    ["a size that is too large", Buffer.concat([Buffer.from([0x01, 0x00]), Buffer.alloc(10)])],
    ["a size that is too small", Buffer.concat([Buffer.from([0x00, 0x01]), Buffer.alloc(10)])],
    ["more than any TPM takes", sized(Buffer.alloc(2000))],
  ])("refuses %s in either place", (_title, bad) => {
    const good = sized(Buffer.alloc(68));
    const refusal = expect.objectContaining({ code: "TPM_CHALLENGE_MALFORMED" }) as unknown;
    expect(() => encodeCredentialFile(bad, good)).toThrow(refusal);
    expect(() => encodeCredentialFile(good, bad)).toThrow(refusal);
  });
});

describe("readSessionHandle", () => {
  /** First 39 bytes of a file that tpm2_startauthsession 5.4 --policy-session wrote on swtpm 0.7.1. */
  const written = Buffer.from("badcc0de0000000201000bbadcc0de000000014000000703000000000000000000000401fa0000", "hex");

  it("finds the session's own handle in the saved context", () => {
    expect(readSessionHandle(written)).toBe("0x03000000");
    const another = Buffer.from(written);
    another.writeUInt32BE(0x0300002a, 23);
    expect(readSessionHandle(another)).toBe("0x0300002a");
  });

  it("finds none in a file of another form, so that nothing else is flushed by mistake", () => {
    const transient = Buffer.from(written);
    transient.writeUInt32BE(0x80000000, 23);
    expect(readSessionHandle(transient)).toBeUndefined();
    expect(readSessionHandle(written.subarray(1))).toBeUndefined();
    expect(readSessionHandle(written.subarray(0, 26))).toBeUndefined();
    expect(readSessionHandle(Buffer.alloc(0))).toBeUndefined();
  });

  it("has an answer for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const file = Buffer.concat([Buffer.from("badcc0de", "hex"), bytes]);
        expect(readSessionHandle(file) ?? "0x03000000").toMatch(/^0x03[0-9a-f]{6}$/);
      }),
    );
  });
});
