/** The archive is one that tar reads, with what was put in, and the same whatever the order was. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

import { tarArchive, withFolders } from "../../../scripts/operator-image/tar-archive.ts";

const FILES = [
  { path: "usr/bin/program", mode: 0o755, content: Buffer.alloc(513, "x") },
  { path: "etc/passwd", mode: 0o644, content: Buffer.from("root\n") },
  { path: "etc/empty", mode: 0o600, content: Buffer.alloc(0) },
];

describe("tarArchive", () => {
  const archive = tarArchive(withFolders(FILES));

  it("is read by tar: folders first, owned by root, without times", () => {
    const list = ["--list", "--verbose", "--numeric-owner", "--utc", "--file=-"];
    const { stdout, stderr } = spawnSync("tar", list, { input: archive, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.replaceAll(/\s+/g, " ")),
    ).toEqual([
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 etc/",
      "-rw------- 0/0 0 1970-01-01 00:00 etc/empty",
      "-rw-r--r-- 0/0 5 1970-01-01 00:00 etc/passwd",
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/",
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/bin/",
      "-rwxr-xr-x 0/0 513 1970-01-01 00:00 usr/bin/program",
    ]);
    const { stdout: content } = spawnSync("tar", ["-xOf", "-", "usr/bin/program"], { input: archive });
    expect(content.equals(Buffer.alloc(513, "x"))).toBe(true);
  });

  it("is the same for the same files in another order", () => {
    expect(tarArchive(withFolders([...FILES].reverse())).equals(archive)).toBe(true);
  });

  it("refuses a name that has no room", () => {
    expect(() => tarArchive([{ path: "x".repeat(101), mode: 0o644, content: Buffer.alloc(0) }])).toThrow("too long");
  });
});
