import { describe, expect, it } from "vitest";
import { TunnelError } from "../../../src/tunnel/errors.ts";
import { createFrameWriter, decodeFrame } from "../../../src/tunnel/frame.ts";
import { encodeVarint, readVarint } from "../../../src/tunnel/varint.ts";
import { Random } from "../../../../../test/fuzz/random.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

// Origin: PutVarint of Go's encoding/binary.
const VARINTS: readonly (readonly [bigint, string])[] = [
  [0n, "00"],
  [-1n, "01"],
  [1n, "02"],
  [63n, "7e"],
  [-64n, "7f"],
  [64n, "8001"],
  [15_000n, "b0ea01"],
  [9_223_372_036_854_775_807n, "feffffffffffffffff01"],
  [-9_223_372_036_854_775_808n, "ffffffffffffffffff01"],
];

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof TunnelError) return error.code;
    throw error;
  }
  return "none";
}

describe("a varint", () => {
  it.each(VARINTS)("is written as Go writes %s", (value, text) => {
    expect(encodeVarint(value).toString("hex")).toBe(text);
    expect(readVarint(hex(`ff${text}ff`), 1)).toEqual({ value, end: 1 + text.length / 2 });
  });

  it.each([
    ["nothing", ""],
    ["a number that is cut off", "80"],
    ["ten bytes and none that ends", "ffffffffffffffffffff"],
    ["more than 64 bits", "ffffffffffffffffff02"],
    ["eleven bytes", "8080808080808080808001"],
  ])("is refused where it is %s", (_what, text) => {
    expect(codeOf(() => readVarint(hex(text), 0))).toBe("TUNNEL_FRAME_INVALID");
  });

  it("of 10,000 random int64 comes back as it was", () => {
    const seed = Date.now() >>> 0;
    const random = new Random(seed, 1);
    for (let count = 0; count < 10_000; count += 1) {
      const value = random.bytes(8).readBigInt64BE() >> BigInt(random.below(64));
      expect(readVarint(encodeVarint(value), 0).value, `seed ${seed}`).toBe(value);
    }
  });
});

describe("a frame", () => {
  // Origin: message.Bytes() of remotedialer v0.4.1, with message ids from 1.
  it.each([
    ["02 04 02 b0ea01 48690a", { type: "data", connection: 2n, data: Buffer.from("Hi\n") }],
    ["02 04 04 b0ea01 7463702f613a38", { type: "connect", connection: 2n, network: "tcp", address: "a:8" }],
    ["02 04 06 454f46", { type: "error", connection: 2n, text: "EOF" }],
    ["02 04 0c", { type: "pause", connection: 2n }],
    ["02 04 0e", { type: "resume", connection: 2n }],
    ["02 00 08 6b2f31", { type: "other" }],
    ["02 00 0a 6b2f31", { type: "other" }],
    ["02 00 10 0200000000000000", { type: "other" }],
    ["02 00 7e", { type: "other" }],
    ["02 00 00", { type: "other" }],
    ["02 04 02 b0ea01", { type: "data", connection: 2n, data: Buffer.alloc(0) }],
  ])("%s is understood", (text, frame) => {
    expect(decodeFrame(hex(text))).toEqual(frame);
  });

  it.each([
    ["nothing", ""],
    ["no connection", "02"],
    ["no type", "02 04"],
    ["data without a deadline", "02 04 02"],
    ["data with half a deadline", "02 04 02 b0"],
    ["a connection without an address", "02 04 04 b0ea01 746370"],
    ["a number that does not end", "02 04 ffffffffffffffffffffff"],
  ])("with %s is refused", (_what, text) => {
    expect(codeOf(() => decodeFrame(hex(text)))).toBe("TUNNEL_FRAME_INVALID");
  });

  it("holds no more of a text than remotedialer reads", () => {
    const error = decodeFrame(Buffer.concat([hex("020406"), Buffer.alloc(5_000, "x")]));
    expect(error).toEqual({ type: "error", connection: 2n, text: "x".repeat(100) });
    const address = Buffer.from(`tcp/${"a".repeat(5_000)}`);
    expect(decodeFrame(Buffer.concat([hex("020404b0ea01"), address]))).toMatchObject({ address: "a".repeat(262) });
    expect(createFrameWriter(0n).error(2n, "y".repeat(5_000)).length).toBeLessThan(120);
  });

  it("is written as remotedialer writes it, with ids that are counted up", () => {
    const writer = createFrameWriter(0n);
    const written = [
      writer.data(2n, Buffer.from("Hi\n")),
      writer.error(2n, "EOF"),
      writer.pause(2n),
      writer.resume(2n),
      writer.syncConnections([3n, -1n, 2n]),
    ];
    expect(written.map((frame) => frame.toString("hex"))).toEqual(
      [
        "02 04 02 b0ea01 48690a",
        "04 04 06 454f46",
        "06 04 0c",
        "08 04 0e",
        "0a 00 10 ffffffffffffffff 0200000000000000 0300000000000000",
      ].map((text) => hex(text).toString("hex")),
    );
  });

  it("goes on with its ids where an int64 ends", () => {
    const writer = createFrameWriter(2n ** 63n - 1n);
    expect(readVarint(writer.pause(1n), 0).value).toBe(-(2n ** 63n));
  });
});
