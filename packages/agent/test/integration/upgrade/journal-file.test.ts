/** What killed writers leave beside the journal, on a real file system and on one that is full. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { machineHost } from "../../../src/upgrade/io/machine-host.ts";
import { journalFile } from "../../../src/upgrade/io/journal-file.ts";
import { keepJournal } from "../../../src/upgrade/kept-journal.ts";
import type { JournalFile } from "../../../src/upgrade/ports.ts";

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

it("says in words why a disk takes nothing, such as one that became read-only", async () => {
  const disk = join(folder, "read-only");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=0700,ro", "tmpfs", disk]);
  try {
    await expect(journalFile(disk).write("{}")).rejects.toMatchObject({
      code: "UPGRADE_JOURNAL_UNSAVED",
      message: `${join(disk, "upgrade.json")} cannot be written: the disk is read-only`,
    });
  } finally {
    execFileSync("umount", [disk]);
  }
});

describe("a journal that is broken", () => {
  const hostOptions = { hostRoot: "/", stateFolder: "/", checkTimeoutMs: 1_000, log: () => undefined };
  const host = machineHost(hostOptions);
  const start = (file: JournalFile) => keepJournal({ journalFile: file, host }, () => undefined);
  const onDisk = (state: string): readonly string[] =>
    readdirSync(state)
      .sort()
      .map((name) => `${name} ${readFileSync(join(state, name), "utf8").trim().slice(0, 20)}`);

  function leaveBroken(name: string): string {
    const state = join(folder, name);
    mkdirSync(state);
    writeFileSync(join(state, "upgrade.json"), "{");
    writeFileSync(join(state, "upgrade.json.broken"), "of an earlier time");
    return state;
  }

  it("is found again by the next start where the agent is killed before the new one is there", async () => {
    const state = leaveBroken("killed");
    const file = journalFile(state);
    const died = Promise.withResolvers<undefined>();
    const write = (): Promise<never> => {
      died.resolve(undefined);
      return new Promise(() => undefined);
    };
    void start({ ...file, write });
    await died.promise;
    expect(onDisk(state)).toEqual(["upgrade.json {", "upgrade.json.broken {"]);
    const next = await start(file);
    expect(next.broken).toMatchObject({ message: expect.stringMatching(/kept as .*upgrade\.json\.broken$/) as string });
    expect(next.journal().cordon).toBe("intended");
    expect(onDisk(state)).toEqual([expect.stringMatching(/^upgrade\.json \{\s+"version"/), "upgrade.json.broken {"]);
    const after = await start(file);
    expect({ broken: after.broken, cordon: after.journal().cordon }).toEqual({ broken: undefined, cordon: "intended" });
  });

  it("is found again on a disk without room, until there is some", async () => {
    const disk = join(folder, "full");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", disk]);
    try {
      leave(disk, "upgrade.json", 0, 4_096);
      leave(disk, "others", 0, 61_440);
      for (let starts = 0; starts < 2; starts++) {
        const { broken, journal } = await start(journalFile(disk));
        expect(broken).toMatchObject({ code: "UPGRADE_JOURNAL_BROKEN" });
        expect(journal().cordon).toBe("intended");
      }
      rmSync(join(disk, "others"));
      await start(journalFile(disk));
      const { broken, journal } = await start(journalFile(disk));
      expect({ broken, cordon: journal().cordon }).toEqual({ broken: undefined, cordon: "intended" });
      expect(readFileSync(join(disk, "upgrade.json.broken"))).toEqual(Buffer.alloc(4_096));
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("does not take the place of the one that is kept where it cannot be kept itself", async () => {
    const state = leaveBroken("without links");
    const journal = join(state, "upgrade.json");
    // To a file of another mount there is no second name.
    execFileSync("mount", ["--bind", journal, journal]);
    try {
      const { broken } = await start(journalFile(state));
      expect(broken?.message).toMatch(/; it cannot be kept$/);
      expect(onDisk(state)).toEqual(["upgrade.json {", "upgrade.json.broken of an earlier time"]);
    } finally {
      execFileSync("umount", [journal]);
    }
  });

  it("takes the place of the one that is kept after kills too, and leaves nothing else", async () => {
    const state = leaveBroken("killed while keeping");
    writeFileSync(join(state, ".upgrade.json.broken.new"), "of a kill");
    const file = journalFile(state);
    // The second time what is kept is the journal itself already.
    for (let times = 0; times < 2; times++) {
      expect(await file.keepAside()).toBe(join(state, "upgrade.json.broken"));
      expect(onDisk(state)).toEqual(["upgrade.json {", "upgrade.json.broken {"]);
    }
  });

  it("is begun anew where it cannot be kept aside, and that is said", async () => {
    const state = leaveBroken("taken");
    rmSync(join(state, "upgrade.json.broken"));
    mkdirSync(join(state, "upgrade.json.broken"));
    const { broken, journal } = await start(journalFile(state));
    expect(broken?.message).toMatch(/; it cannot be kept$/);
    expect(journal().cordon).toBe("intended");
    expect(await journalFile(state).read()).toContain('"intended"');
  });
});
