import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CHALLENGE_MAX_BYTES,
  decodeChallenge,
  decodeChallengeResponse,
  encodeChallenge,
  encodeChallengeResponse,
  MESSAGE_MAX_BYTES,
  MessageError,
} from "@rancheros/protocol/messages";
import { thrownBy } from "../tpm/thrown.ts";

/** The sizes that a SHA-256 name and an RSA-2048 endorsement key give. */
const rsa2048 = { credentialBlob: Buffer.alloc(70, 0xfb), encryptedSecret: Buffer.alloc(258, 0xef) };

describe("the challenge", () => {
  it("is one line of JSON without blanks, as Go writes it", () => {
    const challenge = { credentialBlob: Buffer.from([0xfb, 0xef]), encryptedSecret: Buffer.from([0xbe]) };
    expect(encodeChallenge(challenge).toString()).toBe('{"EC":{"Credential":"++8=","Secret":"vg=="}}\n');
  });

  it("for an RSA-2048 key fits into the one Read of 512 bytes that rancherd gives it", () => {
    const bytes = encodeChallenge(rsa2048);
    expect(bytes).toHaveLength(477);
    expect(bytes.length).toBeLessThanOrEqual(CHALLENGE_MAX_BYTES);
  });

  it("that rancherd could not read is never sent", () => {
    const rsa3072 = { ...rsa2048, encryptedSecret: Buffer.alloc(386) };
    expect(thrownBy(() => encodeChallenge(rsa3072))).toMatchObject({
      code: "MESSAGE_UNENCODABLE",
      failure: "internal",
    });
  });

  it("comes back", () => {
    const part = (maxLength: number): fc.Arbitrary<Buffer> =>
      fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.record({ credentialBlob: part(70), encryptedSecret: part(258) }), (challenge) => {
        expect(decodeChallenge(encodeChallenge(challenge))).toEqual(challenge);
      }),
    );
  });

  it("is read with blanks and unknown keys, as a Go client does", () => {
    const text = '{ "Version": 1,\n "EC": { "Secret": "vg==", "Credential": "++8=", "Kind": "x" } }';
    expect(decodeChallenge(Buffer.from(text))).toEqual({
      credentialBlob: Buffer.from([0xfb, 0xef]),
      encryptedSecret: Buffer.from([0xbe]),
    });
  });

  it.each([
    ["no bytes", Buffer.alloc(0), "MESSAGE_NOT_JSON", []],
    ["text in place of JSON", Buffer.from("cluster not assigned"), "MESSAGE_NOT_JSON", []],
    ["broken UTF-8", Buffer.from([0x7b, 0xff]), "MESSAGE_NOT_UTF8", []],
    ["more than 64 KiB", Buffer.alloc(MESSAGE_MAX_BYTES + 1, 0x20), "MESSAGE_TOO_LARGE", []],
    ["an array", Buffer.from("[]"), "MESSAGE_FIELDS", ["EC: is missing"]],
    ["no EC", Buffer.from("{}"), "MESSAGE_FIELDS", ["EC: is missing"]],
    ["a null EC", Buffer.from('{"EC":null}'), "MESSAGE_FIELDS", ["EC: is missing"]],
    ["no parts", Buffer.from('{"EC":{}}'), "MESSAGE_FIELDS", ["EC.Credential: is missing", "EC.Secret: is missing"]],
    [
      "nil slices",
      Buffer.from('{"EC":{"Credential":null,"Secret":null}}'),
      "MESSAGE_FIELDS",
      ["EC.Credential: is missing", "EC.Secret: is missing"],
    ],
    [
      "wrong types",
      Buffer.from('{"EC":{"Credential":[1],"Secret":"%"}}'),
      "MESSAGE_FIELDS",
      ["EC.Credential: is not text", "EC.Secret: is not standard base64"],
    ],
  ])("is refused with %s", (_case, bytes, code, problems) => {
    expect(thrownBy(() => decodeChallenge(bytes))).toMatchObject({ code, problems });
  });
});

describe("the challenge response", () => {
  it("is one line of JSON, as Go writes it", () => {
    const secret = Buffer.alloc(32, 0xff);
    expect(encodeChallengeResponse({ secret }).toString()).toBe(
      '{"Secret":"//////////////////////////////////////////8="}\n',
    );
  });

  it("comes back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), (bytes) => {
        const secret = Buffer.from(bytes);
        expect(decodeChallengeResponse(encodeChallengeResponse({ secret }))).toEqual({ secret });
      }),
    );
  });

  it.each([
    ["no bytes", Buffer.alloc(0), "MESSAGE_NOT_JSON", []],
    ["null", Buffer.from("null"), "MESSAGE_FIELDS", ["Secret: is missing"]],
    ["a nil slice", Buffer.from('{"Secret":null}'), "MESSAGE_FIELDS", ["Secret: is missing"]],
    ["an empty secret", Buffer.from('{"Secret":""}'), "MESSAGE_FIELDS", ["Secret: is missing"]],
    ["a number", Buffer.from('{"Secret":1}'), "MESSAGE_FIELDS", ["Secret: is not text"]],
    [
      "33 bytes",
      Buffer.from(JSON.stringify({ Secret: Buffer.alloc(33).toString("base64") })),
      "MESSAGE_FIELDS",
      ["Secret: has more than 32 bytes"],
    ],
    ["513 bytes of message", Buffer.alloc(513, 0x20), "MESSAGE_TOO_LARGE", []],
    ["two answers", Buffer.from('{"Secret":"YQ=="}{"Secret":"YQ=="}'), "MESSAGE_NOT_JSON", []],
  ])("is refused with %s", (_case, bytes, code, problems) => {
    expect(thrownBy(() => decodeChallengeResponse(bytes))).toMatchObject({ code, problems });
  });

  it("is refused only with the coded error, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(thrownBy(() => decodeChallengeResponse(bytes))).toBeInstanceOf(MessageError);
      }),
    );
  });

  it("never appears in an error", () => {
    const error = thrownBy(() => decodeChallengeResponse(Buffer.from('{"Secret":"c2VjcmV0","extra":}')));
    expect(JSON.stringify([error, String(error), (error as MessageError).stack])).not.toContain("c2VjcmV0");
  });
});
