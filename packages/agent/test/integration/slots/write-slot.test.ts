/** A slot on a real file system on a disk that is a file. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { makeDisk, systemEntries, type TestDisk } from "../../../../../test/disks/index.ts";
import { mount, slotDisk, writeSlot, type SlotDisk, type SlotProgress } from "../../../src/slots/index.ts";
import { entry, tarFile } from "../../unit/slots/tar-file.ts";

const MARK = "what the disk shall not forget";
const MIB = 1024 ** 2;

let home: string;
let disk: TestDisk;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "slot-"));
  disk = makeDisk(home, 256 * MIB);
});

afterAll(async () => {
  disk.remove();
  await rm(home, { recursive: true, force: true });
});

const never = new AbortController().signal;
const open = (signal = never): SlotDisk =>
  slotDisk({
    device: disk.device,
    label: "ROS_SLOT_B",
    mountFolder: join(home, "slot"),
    lookFolders: [join(home, "look")],
    nowMs: () => 0,
    signal,
  });

const SYSTEM = systemEntries("v1").map((one) => {
  if ("symlink" in one) return entry({ name: one.path, type: "2", link: one.symlink });
  const content = "content" in one ? Buffer.from(one.content).toString("latin1") : "";
  return entry({ name: one.path, content: /[^ -~\n]/.test(content) ? "a program" : content, mode: 0o755 });
});

const source = (more: readonly Buffer[] = [], upper: readonly Buffer[] = []) => ({
  digest: "sha256:x",
  reference: "test",
  layers: [[...SYSTEM, ...more], upper].map((entries, index) => ({
    name: `layer ${index}`,
    sizeBytes: undefined,
    async *open(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(tarFile(entries));
    },
  })),
});

const write = (
  from: ReturnType<typeof source>,
  change: (slot: SlotDisk) => SlotDisk = (slot) => slot,
  signal = never,
) => writeSlot({ disk: change(open(signal)), source: from, arch: "none", signal, onProgress: () => undefined });

/** As the disk has it. */
function bend(text: string): void {
  const handle = openSync(disk.device, "r+");
  const bytes = Buffer.alloc(64 * MIB);
  for (let at = 0; readSync(handle, bytes, 0, bytes.length, at) > 0; at += bytes.length) {
    const found = bytes.indexOf(text);
    if (found !== -1) writeSync(handle, Buffer.from("W"), 0, 1, at + found);
  }
  closeSync(handle);
}

const stamp = async (): Promise<string | undefined> => {
  // With the patience that others want, who have a copy of all mounts for a moment.
  await mount(disk.device, join(home, "slot"), "ro");
  try {
    return readFileSync(join(home, "slot/.rancheros-slot.json"), "utf8");
  } catch {
    return undefined;
  } finally {
    execFileSync("umount", [join(home, "slot")]);
  }
};

describe("a slot", () => {
  it("is whole when everything was read back", async () => {
    const steps: SlotProgress["step"][] = [];
    const onProgress = ({ step }: SlotProgress): void => void (steps.at(-1) === step ? undefined : steps.push(step));
    const ending = await writeSlot({ disk: open(), source: source(), arch: "none", signal: never, onProgress });
    expect(ending).toBe("written");
    expect(steps).toEqual(["format", "unpack", "sync", "read-back", "stamp"]);
    expect(await stamp()).toContain("sha256:x");
  });

  it("is written also where somebody who was killed has left it mounted, to write or to look into it", async () => {
    await write(source());
    for (const name of ["slot", "look"]) await mount(disk.device, join(home, name), "ro");
    expect(await write(source())).toBe("written");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(join(home, "look"));
  });

  it("is not called whole where the disk gives back something else", async () => {
    const more = [entry({ name: "etc/mark", content: MARK })];
    const bent = (slot: SlotDisk): SlotDisk => ({
      ...slot,
      async sync() {
        await slot.sync();
        bend(MARK);
      },
    });
    await expect(write(source(more), bent)).rejects.toMatchObject({
      code: "SLOT_READ_BACK_DIFFERS",
      message: "/etc/mark has another content",
    });
    expect(await stamp()).toBeUndefined();
  });

  it("is not called whole by the stamp that an image made of another slot brings along", async () => {
    const brought = [entry({ name: "./.rancheros-slot.json", content: '{"version":1,"digest":"sha256:other"}' })];
    const broken = (slot: SlotDisk): SlotDisk => ({
      ...slot,
      readBack: () => Promise.reject(new Error("the power went")),
    });
    await expect(write(source(brought), broken)).rejects.toThrow("the power went");
    expect(await stamp()).toBeUndefined();
    expect(await write(source(brought))).toBe("written");
    expect(await stamp()).toContain('"sha256:x"');
  });

  it("fails for what failed, not for what could not be unmounted after it", async () => {
    const dying = (slot: SlotDisk): SlotDisk => ({
      ...slot,
      stamp: () => Promise.reject(new Error("EIO: the stamp")),
      async close() {
        await slot.close();
        throw new Error("target is busy");
      },
    });
    await expect(write(source(), dying)).rejects.toThrow("EIO: the stamp");
    const kept = (slot: SlotDisk): SlotDisk => ({ ...dying(slot), stamp: (...given) => slot.stamp(...given) });
    await expect(write(source(), kept)).rejects.toThrow("target is busy");
    expect(await write(source())).toBe("written");
  });

  it.each([
    [
      "out of it through a link of a lower layer",
      [entry({ name: "trap", type: "2", link: "/" })],
      [entry({ name: "trap/escaped", content: "x" })],
      undefined,
    ],
    [
      "out of it through a link upwards",
      [entry({ name: "trap", type: "2", link: "../../../../tmp" })],
      [entry({ name: "trap/escaped", content: "x" })],
      undefined,
    ],
    [
      "round in circles",
      [entry({ name: "a", type: "2", link: "b" }), entry({ name: "b", type: "2", link: "a" })],
      [entry({ name: "a/x" })],
      "SLOT_LAYER_BROKEN",
    ],
    [
      "to a hard link's target that is missing",
      [],
      [entry({ name: "x", type: "1", link: "/etc/shadow" })],
      "SLOT_LAYER_BROKEN",
    ],
    ["a whiteout of everything", [], [entry({ name: ".wh...", content: "" })], "SLOT_LAYER_BROKEN"],
    ["more than fits", [entry({ name: "large", content: "x".repeat(250 * MIB) })], [], "SLOT_TOO_SMALL"],
  ])("never leads %s", async (_what, lower, upper, code) => {
    const writing = write(source(lower, upper));
    if (code === undefined) await expect(writing).resolves.toBe("written");
    else await expect(writing).rejects.toMatchObject({ code });
    expect(() => readFileSync("/escaped")).toThrow();
    expect(() => readFileSync("/tmp/escaped")).toThrow();
    expect((await stamp()) === undefined).toBe(code !== undefined);
  });

  const opaque = entry({ name: "d/.wh..wh..opq" });
  it.each([
    [
      "a folder in a file's place without saying so",
      [entry({ name: "d/f", content: "x" })],
      [entry({ name: "d/f/g", content: "y" })],
      ["d d", "d d/f", "f d/f/g"],
    ],
    [
      "a device a second time, and a file in a device's place",
      [],
      ["d/a", "d/a", "d/b"]
        .map((name) => entry({ name, type: "3", major: 1, minor: 3 }))
        .concat(entry({ name: "d/b" })),
      ["d d", "c d/a", "f d/b"],
    ],
    [
      "what it hides behind what it brings",
      [entry({ name: "d/sub/old", content: "x" }), entry({ name: "d/old", content: "x" })],
      [entry({ name: "d/sub/new", content: "y" }), opaque],
      ["d d", "d d/sub", "f d/sub/new"],
    ],
    [
      "a folder anew before it hides the old one",
      [entry({ name: "d/sub/old", content: "x" }), entry({ name: "d/sub/more/old", content: "x" })],
      [entry({ name: "d/sub/more/new", content: "y" }), entry({ name: "d/.wh.sub" })],
      ["d d", "d d/sub", "d d/sub/more", "f d/sub/more/new"],
    ],
  ])("has of lower layers what upper ones leave of them, where one has %s", async (_what, lower, upper, expected) => {
    expect(await write(source(lower, upper))).toBe("written");
    await mount(disk.device, join(home, "slot"), "ro");
    try {
      const found = execFileSync("find", ["d", "-printf", "%y %p\n"], { cwd: join(home, "slot"), encoding: "utf8" });
      expect(found.trim().split("\n").toSorted()).toEqual(expected.toSorted());
    } finally {
      execFileSync("umount", [join(home, "slot")]);
    }
  });

  it("is left without a stamp where it is broken off, and stops at a program that installs itself", async () => {
    const stop = new AbortController();
    const more = [entry({ name: "usr/sbin/suc-upgrade", content: "#!/bin/sh" })];
    const ending = await writeSlot({
      disk: open(),
      source: source(more),
      arch: "none",
      signal: never,
      onProgress: () => undefined,
      stopAt: "usr/sbin/suc-upgrade",
    });
    expect(ending).toBe("stopped");
    expect(await stamp()).toBeUndefined();
    const bent = (slot: SlotDisk): SlotDisk => ({
      ...slot,
      async sync() {
        await slot.sync();
        stop.abort();
      },
    });
    await expect(write(source(), bent, stop.signal)).rejects.toMatchObject({ code: "SLOT_INTERRUPTED" });
    expect(await stamp()).toBeUndefined();
  });
});
