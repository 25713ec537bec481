/**
 * Variables of the firmware, as files of a folder. What it does not imitate of efivarfs: that a variable is written with one
 * write, and what the kernel and the firmware refuse. That it makes files immutable, it does, on a file system that can.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import type { AttemptsFile } from "../../../src/firmware/io/attempts-file.ts";
import { efiVariables, firmwareVariables, type EfiVariables } from "../../../src/firmware/io/efi-variables.ts";
import { loadOption } from "../../../src/firmware/load-option.ts";
import { parseAttempts } from "../../../src/firmware/start-attempts.ts";
import { forgetStarts, startNext, type StartStores } from "../../../src/firmware/start-next.ts";

const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const STARTS = "RancherOSStarts-959a8fc4-11b0-4855-8050-18661689714d";
const PLACE = {
  partitionNumber: 2,
  startSectors: 4096,
  sizeSectors: 614_400,
  partitionId: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  fileName: "BOOTX64.EFI",
};
const OPTION = loadOption(PLACE) ?? Buffer.alloc(0);
const LASTING = Buffer.from([7, 0, 0, 0]);

const home = mkdtempSync(join(tmpdir(), "efi-"));
const root = join(home, "root");
const folder = join(root, "sys/firmware/efi/efivars");
let disk: TestDisk;
let variables: EfiVariables;
let stores: StartStores;

const run = (program: string, ...args: readonly string[]): void => {
  execFileSync(program, args, {
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    stdio: ["ignore", "ignore", "pipe"],
  });
};

beforeAll(() => {
  disk = makeDisk(join(home, "disk"), 8 * 1024 ** 2);
  run("mkfs.ext4", "-q", "-F", disk.device);
  mkdirSync(root);
  run("mount", disk.device, root);
});

afterAll(() => {
  run("umount", root);
  disk.remove();
  rmSync(home, { recursive: true });
});

beforeEach(() => {
  mkdirSync(folder, { recursive: true });
  variables = efiVariables(folder);
  const file: AttemptsFile = {
    read: () => Promise.resolve(undefined),
    write: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
  stores = { variables, file, onUnsaved: (error) => expect.unreachable(error.message) };
});

afterEach(() => {
  run("chattr", "-R", "-i", root);
  rmSync(join(root, "sys"), { recursive: true });
});

function put(name: string, data: Uint8Array): void {
  writeFileSync(join(folder, name), Buffer.concat([LASTING, data]));
}

function file(name: string): Buffer {
  return readFileSync(join(folder, name));
}

/** As the kernel does it with each variable that it does not know, once it is there. */
function freeze(name: string): void {
  run("chattr", "+i", join(folder, name));
}

function moment(number: number) {
  const startedAtMs = number * 60_000;
  return { bootId: `00000000-0000-4000-8000-00000000000${number}`, startedAtMs, nowMs: startedAtMs + 1000 };
}

describe("a variable", () => {
  it("is written with the attributes of one that lasts, and read without them", async () => {
    await variables.write("One-1", Buffer.from("data"));
    expect(file("One-1")).toEqual(Buffer.from("\x07\0\0\0data"));
    expect(await variables.read("One-1")).toEqual(Buffer.from("data"));
    expect(await variables.names()).toEqual(["One-1"]);
  });

  it("is changed, and removed, also where it is immutable", async () => {
    await variables.write("One-1", Buffer.from("data"));
    freeze("One-1");
    await variables.write("One-1", Buffer.from("DATA"));
    expect(await variables.read("One-1")).toEqual(Buffer.from("DATA"));
    freeze("One-1");
    await variables.remove("One-1");
    expect(readdirSync(folder)).toEqual([]);
    await variables.remove("One-1");
  });

  it("is removed also where another process does so in the same moment", async () => {
    await variables.write("One-1", Buffer.from("data"));
    freeze("One-1");
    // Between our look at the flag and the change of it.
    const bin = join(home, "bin");
    mkdirSync(bin);
    const path = process.env["PATH"] ?? "";
    const other = `#!/bin/sh\nPATH='${path}:/usr/sbin:/sbin'\nchattr "$@" && rm "$2" && exec chattr "$@"\n`;
    writeFileSync(join(bin, "chattr"), other, { mode: 0o755 });
    process.env["PATH"] = `${bin}:${path}`;
    try {
      await variables.remove("One-1");
    } finally {
      process.env["PATH"] = path;
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is none where there is none, or the firmware has taken it away since", async () => {
    expect(await variables.read("One-1")).toBeUndefined();
    writeFileSync(join(folder, "Empty-1"), "");
    expect(await variables.read("Empty-1")).toBeUndefined();
  });

  it("is not taken as written where the firmware says something else of it", async () => {
    put("One-1", Buffer.from("something longer"));
    await expect(variables.write("One-1", Buffer.from("data"))).rejects.toMatchObject({ code: "FIRMWARE_UNSAVED" });
  });

  it("cannot be read where nobody has mounted them, nor written", async () => {
    const elsewhere = efiVariables(join(home, "nowhere"));
    await expect(elsewhere.names()).rejects.toMatchObject({ code: "FIRMWARE_UNREADABLE" });
    await expect(elsewhere.read("One-1")).rejects.toMatchObject({ code: "FIRMWARE_UNREADABLE" });
    await expect(elsewhere.write("One-1", Buffer.alloc(2))).rejects.toMatchObject({ code: "FIRMWARE_UNSAVED" });
    await elsewhere.remove("One-1");
  });

  it("is looked for only where the machine was started by UEFI", async () => {
    put("One-1", Buffer.from("data"));
    expect(await firmwareVariables(root)?.names()).toEqual(["One-1"]);
    expect(firmwareVariables(home)).toBeUndefined();
  });
});

describe("the firmware that is told what to start next", () => {
  const NETWORK = Buffer.concat([
    Buffer.from("010000000400", "hex"),
    Buffer.from("PXE\0", "utf16le"),
    OPTION.subarray(-4),
  ]);

  it("gets an entry of its own beside what is there, the order stays, and the attempt is counted", async () => {
    put(`Boot0000-${GLOBAL}`, NETWORK);
    put(`BootOrder-${GLOBAL}`, Buffer.from([0, 0]));
    expect(await startNext(stores, PLACE, moment(1))).toEqual({ entry: "Boot0001" });
    expect(file(`Boot0001-${GLOBAL}`)).toEqual(Buffer.concat([LASTING, OPTION]));
    expect(file(`BootNext-${GLOBAL}`)).toEqual(Buffer.concat([LASTING, Buffer.from([1, 0])]));
    expect(file(`BootOrder-${GLOBAL}`)).toEqual(Buffer.concat([LASTING, Buffer.from([0, 0])]));
    expect(file(`Boot0000-${GLOBAL}`)).toEqual(Buffer.concat([LASTING, NETWORK]));
    expect(parseAttempts(file(STARTS).subarray(4))).toMatchObject({ attempts: 1, bootId: moment(1).bootId });
  });

  it("is told so three times in a row, with one entry, and not a fourth time", async () => {
    for (const number of [1, 2, 3]) {
      expect(await startNext(stores, PLACE, moment(number))).toEqual({ entry: "Boot0000" });
      freeze(STARTS);
    }
    rmSync(join(folder, `BootNext-${GLOBAL}`));
    expect(await startNext(stores, PLACE, moment(4))).toBe("spent");
    expect(readdirSync(folder).sort()).toEqual([`Boot0000-${GLOBAL}`, STARTS]);
    // The installed system runs after all.
    freeze(STARTS);
    await forgetStarts(variables);
    expect(readdirSync(folder)).toEqual([`Boot0000-${GLOBAL}`]);
    expect(await startNext(stores, PLACE, moment(5))).toEqual({ entry: "Boot0000" });
  });

  it("is told nothing where the attempt cannot be counted", async () => {
    mkdirSync(join(folder, STARTS));
    await expect(startNext(stores, PLACE, moment(1))).rejects.toMatchObject({ code: "FIRMWARE_UNREADABLE" });
    expect(readdirSync(folder)).toEqual([STARTS]);
  });

  it("is told nothing for a partition that has no GUID", async () => {
    const place = { ...PLACE, partitionId: "1234-01" };
    await expect(startNext(stores, place, moment(1))).rejects.toMatchObject({ code: "FIRMWARE_UNSAVED" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("begins anew where what was kept is nothing that this program understands", async () => {
    put(STARTS, Buffer.alloc(42));
    await startNext(stores, PLACE, moment(1));
    expect(parseAttempts(file(STARTS).subarray(4))?.attempts).toBe(1);
  });
});
