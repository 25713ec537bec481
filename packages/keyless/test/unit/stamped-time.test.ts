import { ASN1Obj } from "@sigstore/core";
import { describe, expect, it } from "vitest";
import { readGeneralizedTime } from "../../src/stamped-time.ts";

const GENERALIZED_TIME = 0x18;
const UTC_TIME = 0x17;

function read(text: string, tag = GENERALIZED_TIME): string {
  const value = Buffer.from(text, "latin1");
  return readGeneralizedTime(ASN1Obj.parseBuffer(Buffer.from([tag, value.length, ...value]))).toISOString();
}

describe("readGeneralizedTime", () => {
  it.each([
    ["20261125231640Z", "2026-11-25T23:16:40.000Z"],
    ["20261125231640.5Z", "2026-11-25T23:16:40.500Z"],
    ["20261125231640.05Z", "2026-11-25T23:16:40.050Z"],
    ["20261125231640.123Z", "2026-11-25T23:16:40.123Z"],
    ["20261125231640.34352Z", "2026-11-25T23:16:40.343Z"],
    ["20261125231640.999999999Z", "2026-11-25T23:16:40.999Z"],
    ["20280229000000Z", "2028-02-29T00:00:00.000Z"],
  ])("reads %s, as RFC 3161 allows it", (text, wanted) => {
    expect(read(text)).toBe(wanted);
  });

  it.each([
    "",
    "20261125231640",
    "20261125231640+0100",
    "202611252316Z",
    "20261125231640.Z",
    "20261125231640,5Z",
    "20261125231640.0000000001Z",
    "20261125231640Z20000101000000Z",
    "20261125231640Z\n",
    "20260230000000Z",
    "20261301000000Z",
    "20261125240000Z",
    "20261125236140Z",
    "20261125231660Z",
    "٢٠٢٦1125231640Z",
  ])("refuses %j", (text) => {
    expect(() => read(text)).toThrow(/a time stamp's time is none/);
  });

  it("refuses a time of another kind: two digits of a year would be left to guess", () => {
    expect(() => read("20261125231640Z", UTC_TIME)).toThrow(/a time stamp's time is none/);
  });
});
