/** What must hold for every decoder and any bytes: only its own error, and nothing lost between reading and writing. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeAttest,
  decodeCreationData,
  decodePublicArea,
  decodeSignature,
  decodeSubjectPublicKey,
  encodeAttest,
  encodeCreationData,
  encodePublicArea,
  encodeSignature,
  encodeSubjectPublicKey,
  readEkCertificate,
  stripTcgCertificateWrapper,
  TpmFormatError,
} from "@rancheros/protocol/tpm";
import type { Attest, CreationData, EccPublicArea, RsaPublicArea, Signature } from "@rancheros/protocol/tpm";
import { hex, swtpm } from "./swtpm-vectors.ts";

const keys = Object.values(swtpm.attestationKeys);

interface Codec {
  readonly name: string;
  /** Decodes and encodes again; throws as the decoder does. */
  readonly again: (bytes: Uint8Array) => Buffer;
  readonly vectors: readonly Buffer[];
  /** Whether every accepted input is the canonical one. */
  readonly exact: boolean;
}

const codecs: readonly Codec[] = [
  {
    name: "TPMT_PUBLIC",
    again: (bytes) => encodePublicArea(decodePublicArea(bytes)),
    vectors: [...keys, ...Object.values(swtpm.publicAreas), swtpm.endorsementKeys.rsa].map((key) => hex(key.public)),
    exact: true,
  },
  {
    name: "TPMS_ATTEST",
    again: (bytes) => encodeAttest(decodeAttest(bytes)),
    vectors: [
      ...keys.map((key) => hex(key.createAttestation)),
      hex(swtpm.otherAttestations.quote.attest),
      hex(swtpm.otherAttestations.certify.attest),
    ],
    exact: true,
  },
  {
    name: "TPMS_CREATION_DATA",
    again: (bytes) => encodeCreationData(decodeCreationData(bytes)),
    vectors: keys.map((key) => hex(key.createData)),
    exact: true,
  },
  {
    name: "TPMT_SIGNATURE",
    again: (bytes) => encodeSignature(decodeSignature(bytes)),
    vectors: keys.map((key) => hex(key.createSignature)),
    exact: true,
  },
  {
    name: "SubjectPublicKeyInfo",
    again: (bytes) => encodeSubjectPublicKey(decodeSubjectPublicKey(bytes)),
    vectors: [hex(swtpm.endorsementKeys.rsa.spki), hex(swtpm.endorsementKeys.ecc.spki)],
    exact: false,
  },
  {
    name: "EK certificate",
    again: (bytes) => readEkCertificate(stripTcgCertificateWrapper(bytes)).publicKeySpkiDer,
    vectors: [hex(swtpm.endorsementCertificate)],
    exact: false,
  },
];

/** A vector with a few bytes changed, cut or added. */
function mutated(vectors: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const change = fc.record({ at: fc.nat(2000), value: fc.nat(255) });
  return fc
    .record({
      vector: fc.constantFrom(...vectors),
      changes: fc.array(change, { maxLength: 4 }),
      cut: fc.oneof(fc.constant(0), fc.nat(80)),
      tail: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 8 })),
    })
    .map(({ vector, changes, cut, tail }) => {
      const copy = Buffer.from(vector.subarray(0, Math.max(0, vector.length - cut)));
      for (const { at, value } of changes) {
        if (copy.length > 0) {
          copy[at % copy.length] = value;
        }
      }
      return Buffer.concat([copy, tail]);
    });
}

/** The bytes written again, or `undefined` after the decoder's own error; anything else fails the test. */
function attempt(codec: Codec, bytes: Uint8Array): Buffer | undefined {
  try {
    return codec.again(bytes);
  } catch (error) {
    if (error instanceof TpmFormatError && error.failure === "nonsense") {
      return undefined;
    }
    throw error;
  }
}

describe.each(codecs)("$name", (codec) => {
  it("answers random bytes with its own error or writes them again", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), (bytes) => {
        const again = attempt(codec, bytes);
        expect(again === undefined || !codec.exact || again.equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("answers changed vectors with its own error or writes them again", () => {
    let accepted = 0;
    fc.assert(
      fc.property(mutated(codec.vectors), (bytes) => {
        const again = attempt(codec, bytes);
        accepted += again === undefined ? 0 : 1;
        expect(again === undefined || !codec.exact || again.equals(bytes)).toBe(true);
      }),
      { numRuns: 600 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it("never reads past the end", () => {
    const [vector = Buffer.alloc(0)] = codec.vectors;
    const accepted = Array.from({ length: vector.length }, (_, length) => vector.subarray(0, length)).filter(
      (bytes) => attempt(codec, bytes) !== undefined,
    );
    expect(accepted).toEqual([]);
  });
});

const hash = fc.constantFrom("SHA1" as const, "SHA256" as const, "SHA384" as const, "SHA512" as const);
const uint32 = fc.nat(0xffff_ffff);
const uint64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });

function bytes(maxLength: number, minLength = 0): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
}

const pcrSelect = fc.array(fc.record({ hash, pcrSelect: bytes(4) }), { maxLength: 16 });
const symmetric = fc.oneof(
  fc.constant({ algorithm: "NULL" as const }),
  fc.record({
    algorithm: fc.constant("AES" as const),
    keyBits: fc.constantFrom(128 as const, 192 as const, 256 as const),
    mode: fc.constant("CFB" as const),
  }),
);
const policyBytes = { SHA1: 20, SHA256: 32, SHA384: 48, SHA512: 64 };
const head = hash.chain((nameAlg) =>
  fc.record({
    nameAlg: fc.constant(nameAlg),
    objectAttributes: uint32,
    authPolicy: fc.oneof(bytes(0), bytes(policyBytes[nameAlg], policyBytes[nameAlg])),
  }),
);
const noScheme = fc.constant({ scheme: "NULL" as const });

const rsaArea: fc.Arbitrary<RsaPublicArea> = fc
  .tuple(
    head,
    fc.record({
      symmetric,
      scheme: fc.oneof(
        noScheme,
        fc.constant({ scheme: "RSAES" as const }),
        fc.record({ scheme: fc.constantFrom("RSASSA" as const, "RSAPSS" as const, "OAEP" as const), hash }),
      ),
      exponent: uint32,
      modulus: bytes(128),
    }),
    fc.constantFrom(1024 as const, 2048 as const, 3072 as const, 4096 as const),
  )
  .map(([common, rest, keyBits]) => ({ type: "RSA", ...common, ...rest, keyBits }));

const eccArea: fc.Arbitrary<EccPublicArea> = fc
  .tuple(
    head,
    fc.record({
      symmetric,
      scheme: fc.oneof(noScheme, fc.record({ scheme: fc.constantFrom("ECDSA" as const, "ECDH" as const), hash })),
      curve: fc.constantFrom("NIST_P256" as const, "NIST_P384" as const, "NIST_P521" as const),
      kdf: fc.oneof(
        noScheme,
        fc.record({
          scheme: fc.constantFrom(
            "MGF1" as const,
            "KDF1_SP800_56A" as const,
            "KDF2" as const,
            "KDF1_SP800_108" as const,
          ),
          hash,
        }),
      ),
      x: bytes(32),
      y: bytes(32),
    }),
  )
  .map(([common, rest]) => ({ type: "ECC", ...common, ...rest }));

const creationData: fc.Arbitrary<CreationData> = fc.record({
  pcrSelect,
  pcrDigest: bytes(64),
  locality: fc.nat(255),
  parentNameAlg: fc.oneof(hash, fc.constant("NULL" as const)),
  parentName: bytes(66),
  parentQualifiedName: bytes(66),
  outsideInfo: bytes(66),
});

const attest: fc.Arbitrary<Attest> = fc.record({
  qualifiedSigner: bytes(66),
  extraData: bytes(66),
  clockInfo: fc.record({ clockMs: uint64, resetCount: uint32, restartCount: uint32, safe: fc.boolean() }),
  firmwareVersion: uint64,
  attested: fc.oneof(
    fc.record({ type: fc.constant("creation" as const), objectName: bytes(66), creationHash: bytes(64) }),
    fc.record({ type: fc.constant("certify" as const), name: bytes(66), qualifiedName: bytes(66) }),
    fc.record({ type: fc.constant("quote" as const), pcrSelect, pcrDigest: bytes(64) }),
  ),
});

const signature: fc.Arbitrary<Signature> = fc.oneof(
  fc.record({ scheme: fc.constantFrom("RSASSA" as const, "RSAPSS" as const), hash, signature: bytes(512, 1) }),
  fc.record({ scheme: fc.constant("ECDSA" as const), hash, r: bytes(66, 1), s: bytes(66, 1) }),
);

describe("what is written is read again", () => {
  it("TPMT_PUBLIC", () => {
    fc.assert(
      fc.property(fc.oneof(rsaArea, eccArea), (area) => {
        expect(decodePublicArea(encodePublicArea(area))).toEqual(area);
      }),
    );
  });

  it("TPMS_CREATION_DATA", () => {
    fc.assert(
      fc.property(creationData, (data) => {
        expect(decodeCreationData(encodeCreationData(data))).toEqual(data);
      }),
    );
  });

  it("TPMS_ATTEST", () => {
    fc.assert(
      fc.property(attest, (value) => {
        expect(decodeAttest(encodeAttest(value))).toEqual(value);
      }),
    );
  });

  it("TPMT_SIGNATURE", () => {
    fc.assert(
      fc.property(signature, (value) => {
        expect(decodeSignature(encodeSignature(value))).toEqual(value);
      }),
    );
  });
});
