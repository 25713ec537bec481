import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  formatAttestationHeader,
  formatAttestationJson,
  formatEndorsementKey,
  HEADER_MAX_BYTES,
  isTpmAuthorization,
  MessageError,
  parseAttestationHeader,
  parseAttestationJson,
} from "@rancheros/protocol/messages";
import type { AttestationData } from "@rancheros/protocol/messages";
import { thrownBy } from "../tpm/thrown.ts";

/** What a Go program with go-attestation's structures wrote; `origin` in the file says how. */
const GO = readFileSync(new URL("testdata/go-attestation-data.txt", import.meta.url), "utf8").split("\n");

const data: AttestationData = {
  ek: { type: "public-key", spkiDer: Buffer.alloc(100, 1) },
  ak: {
    public: Buffer.from("public area"),
    createData: Buffer.from("creation data"),
    createAttestation: Buffer.from("attestation"),
    createSignature: Buffer.from("signature"),
  },
};

/** The JSON of `data` with changes; `undefined` removes a key. */
function json(changes: Record<string, unknown>, akChanges: Record<string, unknown> = {}): Buffer {
  const value = JSON.parse(formatAttestationJson(data)) as { EK: string; AK: Record<string, unknown> };
  return Buffer.from(JSON.stringify({ ...value, AK: { ...value.AK, ...akChanges }, ...changes }));
}

function pem(text: string): { EK: string } {
  return { EK: Buffer.from(text).toString("base64") };
}

describe("the header that rancherd sends", () => {
  const line = (prefix: string): string => GO.find((text) => text.startsWith(prefix))?.slice(prefix.length) ?? "";

  it("is read, and written byte for byte", () => {
    const header = line("public-key: ");
    const parsed = parseAttestationHeader(header);
    expect(parsed).toEqual({
      ek: { type: "public-key", spkiDer: Buffer.from(Array.from({ length: 91 }, (_, index) => index)) },
      ak: {
        public: Buffer.from([0xff, 0xfe, 0xfd]),
        createData: Buffer.from([0]),
        createAttestation: Buffer.from([0xfb, 0xef, 0xbe]),
        createSignature: Buffer.from([1, 2]),
      },
    });
    expect(formatAttestationHeader(parsed)).toBe(header);
  });

  it("is read with a certificate, and written byte for byte", () => {
    const header = line("certificate: ");
    const parsed = parseAttestationHeader(header);
    expect(parsed.ek).toEqual({ type: "certificate", certificateDer: Buffer.alloc(48, 0x30) });
    expect(formatAttestationHeader(parsed)).toBe(header);
  });

  it("with nil slices names every one that is missing", () => {
    expect(thrownBy(() => parseAttestationHeader(line("nil: ")))).toMatchObject({
      code: "MESSAGE_FIELDS",
      problems: [
        "EK: is missing",
        "AK.Public: is missing",
        "AK.CreateData: is missing",
        "AK.CreateAttestation: is missing",
        "AK.CreateSignature: is missing",
      ],
    });
  });
});

describe("what the Go server refuses with 401 (reference capture of 2026), we refuse with a code", () => {
  it.each([
    ["Bearer TPM%%%", "MESSAGE_NOT_BASE64", "attestation data: illegal base64 data at input byte 0"],
    ["Bearer TPMYWJj", "MESSAGE_NOT_JSON", "attestation data is not JSON"],
    ["Bearer TPMe30=", "MESSAGE_FIELDS", "attestation data has bad fields: EK: is missing; AK: is missing"],
  ])("%s", (header, code, message) => {
    expect(thrownBy(() => parseAttestationHeader(header))).toMatchObject({ code, message, failure: "nonsense" });
  });
});

describe("isTpmAuthorization", () => {
  it.each([
    ["Bearer TPMe30=", true],
    ["Bearer TPM", true],
    ["Bearer TPM e30=", true],
    ["bearer TPMe30=", false],
    ["Bearer nonsense", false],
    ["Bearer PLAIN123", false],
    ["", false],
  ])("%s: %s", (header, expected) => {
    expect(isTpmAuthorization(header)).toBe(expected);
  });
});

describe("parseAttestationHeader", () => {
  it.each([
    ["another scheme", "Bearer abc", "MESSAGE_NOT_TPM_AUTHORIZATION"],
    ["nothing after the mark", "Bearer TPM", "MESSAGE_NOT_JSON"],
    ["a blank after the mark", "Bearer TPM e30=", "MESSAGE_NOT_BASE64"],
    ["more than 32 KiB", `Bearer TPM${"A".repeat(HEADER_MAX_BYTES)}`, "MESSAGE_TOO_LARGE"],
    ["broken UTF-8", `Bearer TPM${Buffer.from([0x22, 0xff, 0x22]).toString("base64")}`, "MESSAGE_NOT_UTF8"],
    ["two JSON values", `Bearer TPM${Buffer.from("{} {}").toString("base64")}`, "MESSAGE_NOT_JSON"],
    ["a byte order mark", `Bearer TPM${Buffer.from("\ufeff{}").toString("base64")}`, "MESSAGE_NOT_JSON"],
  ])("refuses %s", (_case, header, code) => {
    expect(thrownBy(() => parseAttestationHeader(header))).toMatchObject({ code });
  });

  it("never repeats what was sent", () => {
    const secret = "correct-horse-battery-staple";
    const error = thrownBy(() => parseAttestationHeader(`Bearer TPM${Buffer.from(secret).toString("base64")}`));
    expect(error).toBeInstanceOf(MessageError);
    expect(JSON.stringify([error, String(error), (error as MessageError).cause])).not.toContain("horse");
  });
});

describe("parseAttestationJson", () => {
  it("ignores keys that it does not know, and blanks", () => {
    const text = JSON.stringify(JSON.parse(json({ Version: 2, __proto__: null }).toString()), null, 2);
    expect(parseAttestationJson(Buffer.from(text))).toEqual(data);
  });

  it.each([
    ["an array", Buffer.from("[]"), ["(all): is not an object"]],
    ["null", Buffer.from("null"), ["(all): is not an object"]],
    ["EK of another type", json({ EK: 5 }), ["EK: is not text"]],
    ["EK that is not base64", json({ EK: "*" }), ["EK: is not standard base64"]],
    ["EK of 1 MB", json({ EK: "A".repeat(16 * 1024 + 4) }), ["EK: has more than 12288 bytes"]],
    ["AK of another type", json({ AK: "x" }), ["AK: is not an object"]],
    ["AK null", json({ AK: null }), ["AK: is missing"]],
    ["AK an array", json({ AK: [] }), ["AK: is not an object"]],
    [
      "the TPM 1.2 form",
      json({}, { UseTCSDActivationFormat: true }),
      ["AK.UseTCSDActivationFormat: must be false, TPM 1.2 is not supported"],
    ],
    [
      "a public area of 1025 bytes",
      json({}, { Public: Buffer.alloc(1025).toString("base64") }),
      ["AK.Public: has more than 1024 bytes"],
    ],
    ["an empty signature", json({}, { CreateSignature: "" }), ["AK.CreateSignature: is missing"]],
    [
      "several faults at once",
      json({ EK: "*" }, { Public: 1, CreateData: null, CreateAttestation: "YQ" }),
      [
        "EK: is not standard base64",
        "AK.Public: is not text",
        "AK.CreateData: is missing",
        "AK.CreateAttestation: is not standard base64",
      ],
    ],
  ])("refuses %s", (_case, bytes, problems) => {
    expect(thrownBy(() => parseAttestationJson(bytes))).toMatchObject({ code: "MESSAGE_FIELDS", problems });
  });

  const honest = formatEndorsementKey(data.ek);

  it.each([
    ["with CRLF", honest.replaceAll("\n", "\r\n")],
    ["without the last newline", honest.trimEnd()],
    [
      "on one long line",
      `-----BEGIN PUBLIC KEY-----\n${Buffer.alloc(100, 1).toString("base64")}\n-----END PUBLIC KEY-----`,
    ],
  ])("takes PEM %s", (_case, text) => {
    expect(parseAttestationJson(json(pem(text))).ek).toEqual(data.ek);
  });

  it.each([
    ["no PEM", "text"],
    ["a private key", honest.replaceAll("PUBLIC KEY", "PRIVATE KEY")],
    ["two blocks", honest + honest],
    ["text before it", `text\n${honest}`],
    ["headers inside", honest.replace("\n", "\nProc-Type: 4,ENCRYPTED\n\n")],
    ["another end", honest.replace("END PUBLIC KEY", "END CERTIFICATE")],
    ["no content", "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n"],
    ["broken base64 inside", honest.replace("AQEB", "AQE=")],
  ])("refuses an EK that is %s", (_case, text) => {
    expect(thrownBy(() => parseAttestationJson(json(pem(text))))).toMatchObject({
      code: "MESSAGE_FIELDS",
      problems: ["EK: is not one PEM block of type CERTIFICATE or PUBLIC KEY"],
    });
  });
});

describe("any attestation data", () => {
  const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
    fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array));
  const any: fc.Arbitrary<AttestationData> = fc.record({
    ek: fc.oneof(
      fc.record({ type: fc.constant("certificate" as const), certificateDer: bytes(2000) }),
      fc.record({ type: fc.constant("public-key" as const), spkiDer: bytes(600) }),
    ),
    ak: fc.record({
      public: bytes(1024),
      createData: bytes(1024),
      createAttestation: bytes(1024),
      createSignature: bytes(1024),
    }),
  });

  it("comes back from its header", () => {
    fc.assert(
      fc.property(any, (value) => {
        expect(parseAttestationHeader(formatAttestationHeader(value))).toEqual(value);
      }),
    );
  });

  it("is refused only with the coded error, however broken", () => {
    const values = fc.oneof(fc.json(), fc.string(), fc.constant(formatAttestationJson(data)));
    fc.assert(
      fc.property(values, fc.nat(2000), fc.string({ maxLength: 3 }), (text, at, insertion) => {
        const cut = at % (text.length + 1);
        const broken = Buffer.from(text.slice(0, cut) + insertion + text.slice(cut));
        let outcome: unknown = "parsed";
        try {
          parseAttestationHeader(`Bearer TPM${broken.toString("base64")}`);
        } catch (error) {
          outcome = error instanceof MessageError ? "refused" : error;
        }
        expect(["parsed", "refused"]).toContain(outcome);
      }),
      { numRuns: 500 },
    );
  });
});
