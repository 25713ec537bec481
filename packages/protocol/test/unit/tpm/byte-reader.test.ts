import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, TpmFormatError, unwrapTpm2b, wrapTpm2b } from "@rancheros/protocol/tpm";
import { thrownBy } from "./thrown.ts";

describe("ByteReader", () => {
  it("reads big-endian numbers and sized buffers to the end", () => {
    const bytes = Buffer.from("01 0203 04050607 08090a0b0c0d0e0f 0002 aabb".replaceAll(" ", ""), "hex");
    const reader = new ByteReader(bytes, "TEST");
    expect(reader.readUint8("a")).toBe(0x01);
    expect(reader.readUint16("b")).toBe(0x0203);
    expect(reader.readUint32("c")).toBe(0x04050607);
    expect(reader.readUint64("d")).toBe(0x08090a0b0c0d0e0fn);
    expect(reader.readSized({ maxBytes: 2 }, "e").toString("hex")).toBe("aabb");
    expect(reader.offsetBytes).toBe(19);
    expect(() => reader.finish()).not.toThrow();
  });

  it("reads a view that does not begin at the start of its memory", () => {
    const memory = Uint8Array.from([0xff, 0xff, 1, 2, 0xff]);
    const reader = new ByteReader(memory.subarray(2, 4), "TEST");
    expect(reader.readUint16("a")).toBe(0x0102);
    expect(reader.remainingBytes).toBe(0);
  });

  it("names structure, field and offset when the bytes end", () => {
    const reader = new ByteReader(Buffer.from("010203", "hex"), "TPMS_TEST");
    reader.readUint16("first");
    const error = thrownBy(() => reader.readUint32("second"));
    expect(error).toBeInstanceOf(TpmFormatError);
    expect(error).toMatchObject({
      code: "TPM_FORMAT_TRUNCATED",
      failure: "nonsense",
      retry: "never",
      details: { structure: "TPMS_TEST", field: "second", offsetBytes: 2 },
      message: "TPMS_TEST.second needs 4 bytes, 1 are left (at byte 2)",
    });
  });

  it.each([
    ["too long", "0003aabbcc", { maxBytes: 2 }, "TPM_FORMAT_LENGTH"],
    ["too short", "0001aa", { minBytes: 2, maxBytes: 2 }, "TPM_FORMAT_LENGTH"],
    ["longer than what is left", "0002aa", { maxBytes: 2 }, "TPM_FORMAT_TRUNCATED"],
    ["without a whole size", "00", { maxBytes: 2 }, "TPM_FORMAT_TRUNCATED"],
  ])("refuses a sized buffer that is %s", (_case, digits, bounds, code) => {
    const reader = new ByteReader(Buffer.from(digits, "hex"), "TEST");
    expect(thrownBy(() => reader.readSized(bounds, "field"))).toMatchObject({ code });
  });

  it("refuses bytes after the end", () => {
    const reader = new ByteReader(Buffer.from("0102", "hex"), "TEST");
    reader.readUint8("only");
    expect(thrownBy(() => reader.finish())).toMatchObject({
      code: "TPM_FORMAT_TRAILING_BYTES",
      details: { offsetBytes: 1 },
    });
  });
});

describe("ByteWriter", () => {
  it("writes what ByteReader reads", () => {
    const written = new ByteWriter("TEST")
      .writeUint8(1, "a")
      .writeUint16(0x0203, "b")
      .writeUint32(0xfffefdfc, "c")
      .writeUint64(0xffff_ffff_ffff_ffffn, "d")
      .writeSized(Buffer.from("aabb", "hex"), "e")
      .finish();
    expect(written.toString("hex")).toBe("010203fffefdfcffffffffffffffff0002aabb");
  });

  it.each([
    ["a negative number", (writer: ByteWriter) => writer.writeUint8(-1, "field")],
    ["nine bits", (writer: ByteWriter) => writer.writeUint8(256, "field")],
    ["a fraction", (writer: ByteWriter) => writer.writeUint32(0.5, "field")],
    ["33 bits", (writer: ByteWriter) => writer.writeUint32(2 ** 32, "field")],
    ["65 bits", (writer: ByteWriter) => writer.writeUint64(2n ** 64n, "field")],
    ["64 KiB in a sized buffer", (writer: ByteWriter) => writer.writeSized(Buffer.alloc(65536), "field")],
  ])("refuses %s instead of cutting it", (_case, write) => {
    expect(thrownBy(() => write(new ByteWriter("TEST")))).toMatchObject({
      code: "TPM_FORMAT_UNENCODABLE",
      details: { structure: "TEST", field: "field" },
    });
  });
});

describe("TPM2B", () => {
  it("is the content with its size in front", () => {
    const content = Buffer.from("cafe", "hex");
    expect(wrapTpm2b(content, "TPM2B_TEST").toString("hex")).toBe("0002cafe");
    expect(unwrapTpm2b(wrapTpm2b(content, "TPM2B_TEST"), "TPM2B_TEST").equals(content)).toBe(true);
  });

  it("refuses a size that does not match", () => {
    expect(thrownBy(() => unwrapTpm2b(Buffer.from("0003cafe", "hex"), "T"))).toMatchObject({
      code: "TPM_FORMAT_TRUNCATED",
    });
    expect(thrownBy(() => unwrapTpm2b(Buffer.from("0001cafe", "hex"), "T"))).toMatchObject({
      code: "TPM_FORMAT_TRAILING_BYTES",
    });
  });
});
