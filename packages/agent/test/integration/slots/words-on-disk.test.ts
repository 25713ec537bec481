/** GRUB's words leave the disk's own cache: a disk counts when it is told to empty that. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import { writeGrubEnvironment } from "../../../src/slots/grub-environment.ts";
import { clearMounts, mount } from "../../../src/slots/io/file-systems.ts";
import { writeGrubEnvironmentFile } from "../../../src/slots/io/grub-environment-file.ts";

const MIB = 1024 ** 2;
const SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin";
const PROGRAM = readFileSync(new URL("../../../../../boot/image/init", import.meta.url), "utf8");
const [, FORGET = ""] = /^(forget_reset\(\) \{.*?^\})$/ms.exec(PROGRAM) ?? [];
/** Source: Linux, Documentation/block/stat.rst */
const COLUMNS = { writes: 4, flushes: 15 } as const;

let home: string;
let disk: TestDisk;
let words: string;
let statistics: string;

/** What a disk was told so far. */
interface Counts {
  readonly writes: number;
  readonly flushes: number;
}

function counts(text: string): Counts {
  const columns = text.trim().split(/\s+/).map(Number);
  return { writes: columns[COLUMNS.writes] ?? NaN, flushes: columns[COLUMNS.flushes] ?? NaN };
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "words-on-disk-"));
  disk = makeDisk(home, 16 * MIB);
  // Nothing writes to it later of its own accord.
  execFileSync("mkfs.ext4", ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", disk.device], {
    env: { PATH: SYSTEM_PATH },
  });
  const folder = join(home, "oem");
  await mount(disk.device, folder, "rw,noatime");
  words = join(folder, "grub/grubenv");
  statistics = `/sys/block/${basename(disk.device)}/stat`;
  mkdirSync(join(folder, "grub"));
  writeFileSync(words, writeGrubEnvironment(new Map([["reset", "1"]])));
  // The real one, which then keeps what the disk had been told when all of the file system was in its place.
  mkdirSync(join(home, "bin"));
  const text = [
    "#!/bin/sh",
    `PATH=${SYSTEM_PATH}`,
    'sync "$@" || exit',
    `case "$*" in "" | -f*) cat ${statistics} >${join(home, "in-place")} ;; esac`,
    "",
  ];
  writeFileSync(join(home, "bin/sync"), text.join("\n"), { mode: 0o755 });
  vi.stubEnv("PATH", `${join(home, "bin")}:${SYSTEM_PATH}`);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await clearMounts(join(home, "oem"));
  disk.remove();
  rmSync(home, { recursive: true });
});

/** Nothing was left to write, and the disk was told to keep nothing in its cache. */
function expectFlushed(): void {
  const inPlace = counts(readFileSync(join(home, "in-place"), "utf8"));
  const now = counts(readFileSync(statistics, "utf8"));
  expect(now.flushes).toBeGreaterThan(inPlace.flushes);
  expect(now.writes - inPlace.writes).toBeLessThanOrEqual(now.flushes - inPlace.flushes);
}

describe("GRUB's words are on the disk, and not in its cache", () => {
  it("when the agent has written them", async () => {
    await writeGrubEnvironmentFile(words, new Map([["try", "b"]]));
    expectFlushed();
  });

  it("when the first program has crossed out a reset", () => {
    copyFileSync(words, `${words}.new`);
    execFileSync("sh", ["-ec", `${FORGET}\nforget_reset`], { env: { ...process.env, grubenv: words } });
    expectFlushed();
  });
});
