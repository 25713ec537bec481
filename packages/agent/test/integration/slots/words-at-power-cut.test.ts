/**
 * GRUB's words through a power cut: of the blocks that a change puts in place any may be on the disk and any not, and GRUB reads
 * without the journal. Its own reader of file systems is asked what it finds.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import { readGrubEnvironment, writeGrubEnvironment } from "../../../src/slots/grub-environment.ts";
import { clearMounts, makeExt4, mount } from "../../../src/slots/io/file-systems.ts";
import { writeGrubEnvironmentFile } from "../../../src/slots/io/grub-environment-file.ts";

const DISK_BYTES = 8 * 1024 ** 2;
const SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin";
const PROGRAM = readFileSync(new URL("../../../../../boot/image/init", import.meta.url), "utf8");
const [, FUNCTIONS = ""] = /^(grubenv=.*?)^if /ms.exec(PROGRAM) ?? [];
/** Ext4 of this size has no larger ones. */
const BLOCK_BYTES = 1024;
/** All combinations of more would take too long. */
const BLOCKS_MAX = 10;
const [OLD, NEW] = [
  { good: "b", try: "", reset: "1" },
  { good: "b", try: "a", reset: "" },
] as const;

let home: string;
let disk: TestDisk;
let path: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "words-at-power-cut-"));
  disk = makeDisk(home, DISK_BYTES);
  vi.stubEnv("PATH", SYSTEM_PATH);
  await makeExt4(disk.device, "ROS_OEM", new AbortController().signal);
  await mount(disk.device, join(home, "oem"), "rw,noatime");
  path = join(home, "oem/grub/grubenv");
  mkdirSync(dirname(path));
  // As an installation leaves it: with files beside.
  writeFileSync(join(dirname(path), "grub.cfg"), "load_env\n");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await clearMounts(join(home, "oem"));
  disk.remove();
  rmSync(home, { recursive: true });
});

const block = (words: Readonly<Record<string, string>>): Buffer => writeGrubEnvironment(new Map(Object.entries(words)));

/** Has what lies in place kept whenever all of a file system was put there. */
async function recorded(work: () => unknown): Promise<readonly Buffer[]> {
  execFileSync("sync", ["-f", dirname(path)]);
  mkdirSync(join(home, "bin"));
  const text = [
    "#!/bin/sh",
    `PATH=${SYSTEM_PATH}`,
    'sync "$@" || exit',
    `case "$*" in "" | -f*) cp '${disk.file}' "${home}/state-$(date +%s%N)" ;; esac`,
    "",
  ];
  writeFileSync(join(home, "bin/sync"), text.join("\n"), { mode: 0o755 });
  vi.stubEnv("PATH", `${join(home, "bin")}:${SYSTEM_PATH}`);
  const before = readFileSync(disk.file);
  await work();
  execFileSync("sync", ["-f", dirname(path)]);
  const states = readdirSync(home)
    .filter((name) => name.startsWith("state-"))
    .sort();
  return [before, ...states.map((name) => readFileSync(join(home, name)))];
}

/** Where the file system keeps its journal. */
function journalBlocks(): ReadonlySet<number> {
  const text = execFileSync("debugfs", ["-R", "blocks <8>", disk.file], { encoding: "utf8", stdio: "pipe" });
  return new Set(text.trim().split(/\s+/).map(Number));
}

const at = (image: Buffer, number: number): Buffer => image.subarray(number * BLOCK_BYTES, (number + 1) * BLOCK_BYTES);

function changedBlocks(from: Buffer, to: Buffer): readonly number[] {
  const journal = journalBlocks();
  const numbers = Array.from({ length: from.length / BLOCK_BYTES }, (_none, number) => number);
  return numbers.filter((number) => !journal.has(number) && !at(from, number).equals(at(to, number)));
}

/** What GRUB finds on the disk, for each of the combinations of blocks. */
function foundAfterCut(from: Buffer, to: Buffer): ReadonlySet<string> {
  const changed = changedBlocks(from, to);
  expect(changed.length).toBeLessThanOrEqual(BLOCKS_MAX);
  const image = join(home, "image");
  writeFileSync(image, from);
  const handle = openSync(image, "r+");
  const found = new Set<string>();
  for (let chosen = 0; chosen < 2 ** changed.length; chosen++) {
    for (const [bit, number] of changed.entries())
      writeSync(handle, at((chosen >> bit) & 1 ? to : from, number), 0, BLOCK_BYTES, number * BLOCK_BYTES);
    const { stdout, stderr } = spawnSync("grub-fstest", [image, "cat", "(loop0)/grub/grubenv"], { timeout: 10_000 });
    found.add(said(stdout) ?? `nothing: ${stdout.length} bytes ${stderr.toString()}`);
  }
  closeSync(handle);
  return found;
}

function said(content: Buffer): string | undefined {
  try {
    return JSON.stringify(Object.fromEntries(readGrubEnvironment(content)));
  } catch {
    return undefined;
  }
}

/** At each moment: the old words until all of the new ones are there for good. */
async function expectWhole(work: () => unknown, next: Readonly<Record<string, string>> = NEW): Promise<void> {
  const states = await recorded(work);
  expect(states.length).toBeGreaterThan(1);
  const allowed = [OLD, next].map((words) => JSON.stringify(words));
  for (const [index, to] of states.slice(1).entries()) {
    for (const one of foundAfterCut(states[index] ?? to, to)) expect(allowed).toContain(one);
  }
  expect([...foundAfterCut(states.at(-1) ?? Buffer.alloc(0), states.at(-1) ?? Buffer.alloc(0))]).toEqual([allowed[1]]);
  // Nothing is left beside, which would hold the room of the old ones.
  expect(readdirSync(dirname(path)).sort()).toEqual(["grub.cfg", "grubenv"]);
  expect(statSync(path).nlink).toBe(1);
}

describe("at a power cut GRUB finds the old words or the new ones", () => {
  beforeEach(() => writeFileSync(path, block(OLD)));

  it("while the agent changes them", async () => {
    await expectWhole(() => writeGrubEnvironmentFile(path, new Map(Object.entries(NEW))));
  });

  it("while the agent changes them after one that was killed when the new name was not on the disk yet", async () => {
    const killed = (): void => {
      writeFileSync(join(dirname(path), ".grubenv.0123456789ab.tmp"), block(OLD));
      execFileSync("sync", ["-f", dirname(path)]);
      linkSync(path, join(dirname(path), ".grubenv.before"));
      execFileSync("sync", ["-f", dirname(path)]);
      renameSync(join(dirname(path), ".grubenv.0123456789ab.tmp"), path);
    };
    await expectWhole(async () => {
      killed();
      await writeGrubEnvironmentFile(path, new Map(Object.entries(NEW)));
    });
  });

  it("while the first program crosses out a reset", async () => {
    const program = FUNCTIONS.replace("/oem/grub/grubenv", path);
    await expectWhole(() => execFileSync("sh", ["-ec", `${program}\nprepare_words\nforget_reset`]), {
      ...OLD,
      reset: "",
    });
  });
});

it("writes the first ones where there are none yet", async () => {
  await writeGrubEnvironmentFile(path, new Map(Object.entries(NEW)));
  expect(said(readFileSync(path))).toBe(JSON.stringify(NEW));
  expect(readdirSync(dirname(path)).sort()).toEqual(["grub.cfg", "grubenv"]);
});

describe("words whose writing fails when their name is there already", () => {
  /** A disk that refuses to put things in place while GRUB would read this. */
  function refusing(text: string): void {
    mkdirSync(join(home, "bin"));
    const program = `#!/bin/sh\nPATH=${SYSTEM_PATH}\n! grep -q '^${text}$' '${path}' || exit 1\nexec sync "$@"\n`;
    writeFileSync(join(home, "bin/sync"), program, { mode: 0o755 });
    vi.stubEnv("PATH", `${join(home, "bin")}:${SYSTEM_PATH}`);
  }

  it("are the old ones again, as nothing is to come of what is told as failed", async () => {
    writeFileSync(path, block(OLD));
    refusing("try=a");
    const writing = writeGrubEnvironmentFile(path, new Map(Object.entries(NEW)));
    await expect(writing).rejects.toMatchObject({ code: "SLOT_ENVIRONMENT_UNSAVED" });
    await expect(writing).rejects.not.toThrow("may count");
    expect(said(readFileSync(path))).toBe(JSON.stringify(OLD));
    expect(readdirSync(dirname(path)).sort()).toEqual(["grub.cfg", "grubenv"]);
  });

  it("are none again where there were none", async () => {
    refusing("try=a");
    const writing = writeGrubEnvironmentFile(path, new Map(Object.entries(NEW)));
    await expect(writing).rejects.toMatchObject({ code: "SLOT_ENVIRONMENT_UNSAVED" });
    expect(readdirSync(dirname(path)).sort()).toEqual(["grub.cfg"]);
  });

  it("are told as what may count where the disk puts the old ones in place neither", async () => {
    writeFileSync(path, block(OLD));
    mkdirSync(join(home, "bin"));
    // The first time is that of the new words' own file.
    const count = join(home, "count");
    const program = `#!/bin/sh\nPATH=${SYSTEM_PATH}\necho x >>'${count}'\n[ $(wc -l <'${count}') -lt 2 ] || exit 1\nexec sync "$@"\n`;
    writeFileSync(join(home, "bin/sync"), program, { mode: 0o755 });
    vi.stubEnv("PATH", `${join(home, "bin")}:${SYSTEM_PATH}`);
    const writing = writeGrubEnvironmentFile(path, new Map(Object.entries(NEW)));
    await expect(writing).rejects.toThrow("it may count at the next start all the same");
    expect(said(readFileSync(path))).toBe(JSON.stringify(OLD));
  });
});
