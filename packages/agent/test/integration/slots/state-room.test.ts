/** Whether a slot's start has room: what the agent says before, beside what the first program then does, on real file systems. */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { broughtRoom } from "../../../src/slots/io/brought.ts";
import { folderBlocks, entryBytes } from "../../../src/slots/folder-blocks.ts";
import { releaseSum } from "../../../src/slots/release-sum.ts";
import { requireStateRoom, type StateRoom } from "../../../src/slots/state-room.ts";
import { openSlotGround, type SlotGround } from "./slot-start.ts";

const BLOCK = 4096;
const TRIAL = { words: "rancheros.trial=1" };
const FILES = "/usr/lib/rancheros-release";

let folder: string;
let ground: SlotGround;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "state-room-"));
  ground = openSlotGround(folder);
  ground.write(FILES.slice(1), "IMAGE=first\n");
});
afterEach(() => ground.remove());

const run = (program: string, ...args: string[]): void =>
  void execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"] });

/** Blocks as a machine's, so many inodes, and nothing kept for root, as installations have it. */
function makeState(...args: string[]): void {
  run("mkfs.ext4", "-q", "-F", "-m", "0", "-b", String(BLOCK), ...args, ground.state.device);
}

/** ROS_STATE where the agent finds it. */
async function withState<T>(work: (state: string) => T | Promise<T>): Promise<T> {
  const state = join(folder, "machine/run/rancheros-state");
  mkdirSync(state, { recursive: true });
  run("mount", ground.state.device, state);
  try {
    return await work(state);
  } finally {
    run("umount", state);
  }
}

const room = (): Promise<StateRoom> =>
  withState(async () => {
    const found = await broughtRoom(join(folder, "machine"), "a", join(folder, "root"), new AbortController().signal);
    if (found === undefined) throw new Error("the machine has no state");
    return found;
  });

const isRefused = ({ ...found }: StateRoom): boolean => {
  try {
    requireStateRoom(found);
    return false;
  } catch {
    return true;
  }
};

/** Until no more files than so many can be made. */
function leaveFiles(files: number): Promise<void> {
  return withState((state) => {
    mkdirSync(join(state, "filler"));
    for (let count = 0; statfsSync(state).ffree > files; count++) writeFileSync(join(state, `filler/${count}`), "");
  });
}

/** Until no more is left than so much. */
function leaveBlocks(blocks: number): Promise<void> {
  return withState((state) => {
    mkdirSync(join(state, "filler"));
    const over = (): number => statfsSync(state).bavail - blocks;
    // In pieces, as the map of a large file takes blocks too.
    for (let count = 0; over() > 0; count++)
      run("fallocate", "--length", String(Math.max(1, over() - 4) * BLOCK), join(state, `filler/${count}`));
  });
}

describe("a release that comes back", () => {
  beforeEach(() => {
    ground.write("var/lib/images/of-the-image", "x".repeat(2 * 1024 * 1024));
  });

  it("needs no room for what the machine has taken away since, as its start does not bring it a second time", async () => {
    makeState();
    ground.start({ script: "rm /var/lib/images/of-the-image" });
    await leaveBlocks(64);
    expect(isRefused(await room())).toBe(false);
    expect(ground.start(TRIAL)).toMatchObject({ isRestarted: false, console: "" });
  });

  it("needs it where another one was in that slot meanwhile, as its start brings it anew", async () => {
    makeState();
    ground.start({ script: "rm /var/lib/images/of-the-image; echo other >/run/rancheros-state/seeded-a" });
    await leaveBlocks(64);
    expect(isRefused(await room())).toBe(true);
    expect(ground.start(TRIAL)).toMatchObject({ isRestarted: true });
  });
});

describe("a release with something new", () => {
  function bring(release: string, { files, bytes }: { readonly files: number; readonly bytes: number }): void {
    ground.write(FILES.slice(1), `IMAGE=${release}\n`);
    for (let count = 0; count < files; count++) {
      ground.write(`var/lib/${release}-${count % 7}/file-with-a-name-${count}`, "x".repeat(bytes));
      if (count % 3 === 0) ground.write(`var/lib/old/beside-what-is-there-${release}-${count}`, "x".repeat(bytes));
    }
    ground.write(`opt/${release}/program`, "x".repeat(bytes));
  }

  beforeEach(() => {
    ground.write("var/lib/old/of-the-first", "x");
    ground.write("home/user/file", "x");
  });

  it.each([
    [1, false],
    [0.9, true],
  ])("has a start with %f of the room that it is said to need, which is refused: %s", async (share, refused) => {
    makeState();
    ground.start({ script: "ln -s /nowhere /var/lib/second-1" });
    bring("second", { files: 60, bytes: 20_000 });
    const needed = (await room()).neededBytes / BLOCK;
    await leaveBlocks(Math.floor(needed * share));
    expect(isRefused(await room())).toBe(refused);
    expect(ground.start(TRIAL)).toMatchObject({ isRestarted: refused });
  });

  it.each([
    [0, false],
    [10, true],
  ])("has a start with %d files fewer than it is said to need, which is refused: %s", async (fewer, refused) => {
    makeState("-N", "512");
    ground.start({ script: "ln -s /nowhere /var/lib/second-1" });
    bring("second", { files: 60, bytes: 10 });
    await leaveFiles((await room()).neededFiles - fewer);
    expect(isRefused(await room())).toBe(refused);
    expect(ground.start(TRIAL)).toMatchObject({ isRestarted: refused });
  });

  it("does not start, and is said so, where only the files are too many", async () => {
    makeState("-N", "64");
    ground.start();
    bring("second", { files: 100, bytes: 1 });
    const found = await room();
    expect(found.freeBytes).toBeGreaterThan(found.neededBytes);
    expect(() => requireStateRoom(found)).toThrow(/the image brings \d+ files .* and \d+ can be made/);
    expect(ground.start(TRIAL)).toMatchObject({ isRestarted: true });
  });
});

describe("the room for a folder's names", () => {
  it("is not less than ext4 takes, and not much more", async () => {
    makeState("-N", "8192");
    await withState((state) => {
      for (const count of [1, 50, 120, 121, 400, 2_000]) {
        const at = join(state, `folder-${count}`);
        mkdirSync(at);
        const names = Array.from({ length: count }, (_, number) => `some-name-of-a-file-${number}`);
        for (const name of names) writeFileSync(join(at, name), "");
        const taken = statSync(at).size / BLOCK;
        const said = folderBlocks(
          names.reduce((sum, name) => sum + entryBytes(name), 0),
          BLOCK,
        );
        expect(said).toBeGreaterThanOrEqual(taken);
        expect(said).toBeLessThanOrEqual(2 * taken + 2);
        rmSync(at, { recursive: true });
      }
      expect(readdirSync(state)).toEqual(["lost+found"]);
    });
  });
});

describe("the sum of a release", () => {
  it.each(["", "IMAGE=first\n", "ÄÖ\0".repeat(1_000)])("is what cksum says (%#)", (text) => {
    const file = join(folder, "release");
    writeFileSync(file, text);
    const said = execFileSync("cksum", { input: readFileSync(file), encoding: "utf8" });
    expect(releaseSum(Buffer.from(text))).toBe(said.trimEnd());
  });
});
