/** Files that are written anew while the operator runs. */
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SETTINGS } from "../../../src/settings/index.ts";
import { followFiles, type FollowedFiles } from "../../../src/settings/io/followed-file.ts";

const LOOK_MS = 10;
const WAIT = { interval: 10 };
/** What is to happen is waited for; what is not must not happen so soon. */
const NOTHING_MS = 100;
let folder: string;
let files: FollowedFiles | undefined;
let taken: string[];
let troubles: string[];
const at = (name: string): string => path.join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "followed-"));
  [taken, troubles] = [[], []];
});
afterEach(() => {
  files?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function follow(file: string): Promise<void> {
  const take = ([text = ""]: readonly string[]): void => {
    if (text === "bad") throw new Error("of no use");
    taken.push(text);
  };
  files = await followFiles(
    [{ setting: SETTINGS.caFile, path: file }],
    take,
    (error) => troubles.push(String(error)),
    LOOK_MS,
  );
}

describe("followFiles", () => {
  it("reads at once, and again where the text has changed, also behind a link that is swapped", async () => {
    writeFileSync(at("one"), "1");
    writeFileSync(at("two"), "2");
    symlinkSync("one", at("link"));
    await follow(at("link"));
    await sleep(NOTHING_MS);
    expect(taken).toEqual(["1"]);
    symlinkSync("two", at("next"));
    renameSync(at("next"), at("link"));
    await expect.poll(() => taken, WAIT).toEqual(["1", "2"]);
    files?.stop();
    writeFileSync(at("two"), "3");
    await sleep(NOTHING_MS);
    expect(taken).toEqual(["1", "2"]);
    expect(troubles).toEqual([]);
  });

  it("keeps what it has where the new text is of no use or gone, says so once, and takes the next good one", async () => {
    const put = (text: string): void => {
      writeFileSync(at("next"), text);
      renameSync(at("next"), at("file"));
    };
    put("good");
    await follow(at("file"));
    put("bad");
    await expect.poll(() => troubles, WAIT).toHaveLength(1);
    await sleep(NOTHING_MS);
    rmSync(at("file"));
    await expect.poll(() => troubles, WAIT).toHaveLength(2);
    await sleep(NOTHING_MS);
    put("better");
    await expect.poll(() => taken, WAIT).toEqual(["good", "better"]);
    expect(troubles).toEqual([expect.stringContaining("of no use"), expect.stringContaining("ENOENT")]);
  });

  it("takes nothing any more once it was told to stop, though it be in the midst of reading", async () => {
    writeFileSync(at("file"), "1");
    for (let turn = 0; turn < 50; turn += 1) {
      await follow(at("file"));
      writeFileSync(at("file"), `changed ${turn}`);
      // Until a look may be under way.
      await sleep(LOOK_MS);
      const [seen, heard] = [taken.length, troubles.length];
      files?.stop();
      await sleep(1);
      rmSync(at("file"));
      await sleep(1);
      expect([taken.length, troubles.length]).toEqual([seen, heard]);
      writeFileSync(at("file"), "1");
    }
  });

  it("does not begin with what is of no use", async () => {
    writeFileSync(at("file"), "bad");
    await expect(follow(at("file"))).rejects.toThrow("of no use");
    await expect(follow(at("none"))).rejects.toThrow("ENOENT");
  });
});
