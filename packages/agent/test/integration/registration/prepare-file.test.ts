/** The saved configuration: all of it or nothing, for its owner only. */
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { prepareFile } from "../../../src/registration/io/prepare-file.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "prepare-file-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("prepareFile", () => {
  it("is for its owner only, and nothing of it is there before there is anything to read", async () => {
    const prepared = await prepareFile(join(folder, "config.yaml"));
    // Whoever is killed while the machine waits for its approval leaves nothing behind.
    expect(await readdir(folder)).toEqual([]);
    await prepared.commit("content");
    expect(await readdir(folder)).toEqual(["config.yaml"]);
    expect((await stat(join(folder, "config.yaml"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, "config.yaml"), "utf8")).toBe("content");
  });

  it("leaves what was there until the new content is complete, and for good when there comes none", async () => {
    const path = join(folder, "config.yaml");
    await writeFile(path, "old");
    await chmod(path, 0o644);
    await prepareFile(path);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["config.yaml"]);
    const again = await prepareFile(path);
    await again.commit("new");
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("takes away what earlier ones have left that were killed", async () => {
    const left = join(folder, ".config.yaml.0123456789ab.tmp");
    const fresh = join(folder, ".config.yaml.ba9876543210.tmp");
    await writeFile(left, "half");
    await writeFile(fresh, "half");
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(left, hourAgo, hourAgo);
    await prepareFile(join(folder, "config.yaml"));
    // Somebody else may be writing the other one.
    expect(await readdir(folder)).toEqual([".config.yaml.ba9876543210.tmp"]);
  });

  it("refuses a folder's name and a folder that is not there", async () => {
    await mkdir(join(folder, "config.yaml"));
    for (const path of [join(folder, "config.yaml"), join(folder, "no", "config.yaml"), "/proc/config.yaml"]) {
      await expect(prepareFile(path)).rejects.toMatchObject({ code: "REGISTRATION_UNSAVED", details: { path } });
    }
    expect(await readdir(folder)).toEqual(["config.yaml"]);
  });

  it("leaves nothing behind when the place goes away before the content comes", async () => {
    const path = join(folder, "config.yaml");
    const prepared = await prepareFile(path);
    await mkdir(path);
    await expect(prepared.commit("content")).rejects.toMatchObject({ code: "REGISTRATION_UNSAVED" });
    expect(await readdir(folder)).toEqual(["config.yaml"]);
  });
});
