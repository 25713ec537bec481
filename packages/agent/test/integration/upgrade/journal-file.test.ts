/** What killed writers leave beside the journal, on a real file system and on one that is full. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { journalFile } from "../../../src/upgrade/io/journal-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "journal-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As a power cut between writing and renaming leaves it. */
function leave(state: string, name: string, ageMs: number, bytes = 10): void {
  writeFileSync(join(state, name), Buffer.alloc(bytes));
  const then = new Date(Date.now() - ageMs);
  utimesSync(join(state, name), then, then);
}

it("takes away what was left of itself, and neither what others have nor what somebody writes now", async () => {
  const state = join(folder, "state");
  mkdirSync(state);
  for (let count = 0; count < 20; count++)
    leave(state, `.upgrade.json.${String(count).padStart(12, "0")}.tmp`, 3_600_000);
  leave(state, ".upgrade.json.aaaaaaaaaaaa.tmp", 1_000);
  leave(state, ".other.json.bbbbbbbbbbbb.tmp", 3_600_000);
  leave(state, ".upgrade.json.mine", 3_600_000);
  await journalFile(state).write("{}\n");
  expect(readdirSync(state).sort()).toEqual([
    ".other.json.bbbbbbbbbbbb.tmp",
    ".upgrade.json.aaaaaaaaaaaa.tmp",
    ".upgrade.json.mine",
    "upgrade.json",
  ]);
  expect(await journalFile(state).read()).toBe("{}\n");
});

it("has room again on a disk that these have filled, at the next attempt", async () => {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", disk]);
  try {
    for (let count = 0; count < 4; count++)
      leave(disk, `.upgrade.json.${String(count).padStart(12, "0")}.tmp`, 3_600_000, 16_384);
    const text = "x".repeat(8_000);
    await expect(journalFile(disk).write(text)).rejects.toMatchObject({ code: "UPGRADE_JOURNAL_UNSAVED" });
    await journalFile(disk).write(text);
    expect(await journalFile(disk).read()).toBe(text);
    expect(readdirSync(disk)).toEqual(["upgrade.json"]);
  } finally {
    execFileSync("umount", [disk]);
  }
});
