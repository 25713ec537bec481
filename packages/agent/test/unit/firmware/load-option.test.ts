/** An entry of the firmware as bytes, and which entry is taken. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chooseEntry, entryName, entryNumber } from "../../../src/firmware/choose-entry.ts";
import { loadOption, parseLoadOption, type LoaderPlace } from "../../../src/firmware/load-option.ts";
import { LOADER_PLACE } from "./loader-place.ts";

/** By hand, after the tables of the UEFI specification 2.10, 3.1.3, 10.3.5.1 and 10.3.5.4. */
const BYTES = [
  "01000000", // active
  "5e00", // bytes of the path
  Buffer.from("RancherOS (installed)\0", "utf16le").toString("hex"),
  "04012a00", // a hard drive
  "02000000", // its second partition
  "0010000000000000", // from sector 4096 on
  "0060090000000000", // 614400 sectors
  "28732ac11ff8d211ba4b00a0c93ec93b", // the GUID
  "0202", // GPT, known by its GUID
  "04043000", // a file
  Buffer.from("\\EFI\\BOOT\\BOOTX64.EFI\0", "utf16le").toString("hex"),
  "7fff0400", // the end
].join("");

function made(change: Partial<LoaderPlace> = {}): Buffer {
  return loadOption({ ...LOADER_PLACE, ...change }) ?? Buffer.alloc(0);
}

function described(description: string, bytes: Buffer, attributes = 1): Buffer {
  const path = parseLoadOption(bytes)?.devicePath ?? Buffer.alloc(0);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(attributes, 0);
  head.writeUInt16LE(path.length, 4);
  return Buffer.concat([head, Buffer.from(`${description}\0`, "utf16le"), path]);
}

describe("an entry of the firmware", () => {
  it("is written as the specification has it", () => {
    expect(made().toString("hex")).toBe(BYTES);
  });

  it("is none for a partition without a GUID", () => {
    expect(loadOption({ ...LOADER_PLACE, partitionId: "89abcdef-01" })).toBeUndefined();
  });

  it("is read back, whatever stands behind the path", () => {
    const path = parseLoadOption(made())?.devicePath;
    expect(path?.length).toBe(0x5e);
    expect(parseLoadOption(Buffer.concat([made(), Buffer.from("more")]))).toEqual({
      isActive: true,
      description: "RancherOS (installed)",
      devicePath: path,
    });
  });

  it("is none where it is cut off anywhere, and never a reason to fail", () => {
    const whole = made();
    for (let bytes = 0; bytes < whole.length; bytes++)
      expect(parseLoadOption(whole.subarray(0, bytes)), `${bytes}`).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const option = parseLoadOption(Buffer.from(bytes));
        expect(option === undefined || option.devicePath.length <= bytes.length).toBe(true);
      }),
    );
  });

  it("has a name with four digits", () => {
    expect([0, 10, 0xabcd].map(entryName)).toEqual(["Boot0000", "Boot000A", "BootABCD"]);
    expect(["Boot000A", "BootOrder", "Boot000a", "Boot00010", "BootNext"].map(entryNumber)).toEqual([
      10,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("the entry that is taken", () => {
  const other = described("Network", made({ partitionNumber: 7 }));
  const choose = (...entries: readonly (readonly [number, Buffer])[]) => chooseEntry(new Map(entries), made());

  it("is one that starts this boot loader already, whoever made it", () => {
    expect(choose([0, other], [7, described("by hand", made())])).toEqual({ number: 7, isThere: true });
  });

  it("is not one that the firmware leaves out", () => {
    expect(choose([0, described("by hand", made(), 0)])).toEqual({ number: 1, isThere: false });
  });

  it("is ours of an earlier installation, which gives way", () => {
    const earlier = made({ partitionId: "00000000-f81f-11d2-ba4b-00a0c93ec93b" });
    expect(choose([0, other], [3, earlier], [4, earlier])).toEqual({ number: 3, isThere: false });
  });

  it("is the first free number where there is none, also beside what nobody understands", () => {
    expect(choose()).toEqual({ number: 0, isThere: false });
    expect(choose([0, other], [1, Buffer.from("x")], [3, other])).toEqual({ number: 2, isThere: false });
  });

  it("is none where all numbers are taken", () => {
    const all = Array.from({ length: 0x1_0000 }, (_one, number) => [number, Buffer.alloc(0)] as const);
    expect(choose(...all)).toBeUndefined();
  });
});
