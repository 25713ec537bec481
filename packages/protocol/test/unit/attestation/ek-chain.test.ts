import {
  AttestationMessageError,
  EK_CHAIN_MAX_BYTES,
  EK_CHAIN_MAX_CERTIFICATES,
  readAttestRequest,
  writeAttestRequest,
  type AttestRequest,
} from "@rancheros/protocol/attestation";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

const some = Buffer.from("some bytes");
const ak = { public: some, createData: some, createAttestation: some, createSignature: some };
const request: AttestRequest = {
  protocol: 2,
  nonce: some,
  channel: Buffer.alloc(32, 7),
  purpose: { kind: "session" },
  ek: { type: "certificate", certificateDer: some },
  ekChain: [],
  ak,
};

/** @param ek  in place of the fields that an honest machine sends */
function problemsOf(ek: Readonly<Record<string, unknown>>): readonly string[] {
  const honest = JSON.parse(writeAttestRequest(request).toString()) as Record<string, object>;
  try {
    readAttestRequest(Buffer.from(JSON.stringify({ ...honest, ek: { ...honest["ek"], ...ek } })));
    return [];
  } catch (error) {
    if (!(error instanceof AttestationMessageError)) throw error;
    return error.problems;
  }
}

describe("the chain of an endorsement key's certificate", () => {
  it("is read as it was written, and a machine without one writes none", () => {
    const ekChain = [Buffer.from("one"), Buffer.from("two")];
    expect(readAttestRequest(writeAttestRequest({ ...request, ekChain }))).toEqual({ ...request, ekChain });
    expect(readAttestRequest(writeAttestRequest(request))).toEqual(request);
    expect(writeAttestRequest(request).toString()).not.toContain("chain");
  });

  const base64 = (bytes: number): string => Buffer.alloc(bytes, 1).toString("base64");
  it.each<[string, unknown, readonly string[]]>([
    ["absent", undefined, []],
    ["null", null, []],
    ["empty", [], []],
    ["as long as may be", Array.from({ length: EK_CHAIN_MAX_CERTIFICATES }, () => base64(EK_CHAIN_MAX_BYTES / 8)), []],
    ["no list", base64(9), [`ek.chain: is no list of at most ${EK_CHAIN_MAX_CERTIFICATES}`]],
    ["an object", { 0: base64(9) }, [`ek.chain: is no list of at most ${EK_CHAIN_MAX_CERTIFICATES}`]],
    [
      "of too many",
      Array.from({ length: EK_CHAIN_MAX_CERTIFICATES + 1 }, () => base64(9)),
      [`ek.chain: is no list of at most ${EK_CHAIN_MAX_CERTIFICATES}`],
    ],
    [
      "of something else",
      [base64(9), 7, "", "*"],
      ["ek.chain.1: is not text", "ek.chain.2: is missing", "ek.chain.3: is not standard base64"],
    ],
    [
      "with one that is too large",
      [base64(9), base64(EK_CHAIN_MAX_BYTES + 1)],
      [`ek.chain.1: has more than ${EK_CHAIN_MAX_BYTES} bytes`],
    ],
    [
      "too large in all",
      [base64(EK_CHAIN_MAX_BYTES), base64(1)],
      [`ek.chain: has more than ${EK_CHAIN_MAX_BYTES} bytes in all`],
    ],
  ])("that is %s", (_what, chain, problems) => {
    expect(problemsOf({ chain })).toEqual(problems);
  });

  it("goes with a certificate only", () => {
    const bare = { certificate: undefined, publicKey: base64(9) };
    expect(problemsOf({ ...bare, chain: [base64(9)] })).toEqual(["ek.chain: goes with a certificate only"]);
    expect(problemsOf({ ...bare, chain: [] })).toEqual([]);
  });

  it("is read, or refused by the field's name, whatever stands there", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.base64String())), (chain) => {
        expect(problemsOf({ chain }).every((problem) => problem.startsWith("ek.chain"))).toBe(true);
      }),
    );
  });

  it("is as unknown to an older operator as any field that it passes over", () => {
    expect(problemsOf({ chain: undefined, somethingNewer: [base64(9)] })).toEqual([]);
  });
});
