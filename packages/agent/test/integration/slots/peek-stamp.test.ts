/** What a slot says of itself, read from real file systems that nobody mounts. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { peekStamp } from "../../../src/slots/io/peek-stamp.ts";
import { STAMP_FILE } from "../../../src/slots/slot-stamp.ts";

const NEVER = new AbortController().signal;
const DIGEST = `sha256:${"ab".repeat(32)}`;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "peek-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function slot(name: string, stamp: string | undefined): string {
  const tree = join(folder, `${name}.tree`);
  mkdirSync(tree);
  if (stamp !== undefined) writeFileSync(join(tree, STAMP_FILE), stamp);
  const image = join(folder, `${name}.img`);
  writeFileSync(image, "");
  truncateSync(image, 4 * 1024 * 1024);
  const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  execFileSync("mkfs.ext4", ["-q", "-F", "-d", tree, image], { env: { PATH }, stdio: "ignore" });
  return image;
}

describe("the stamp of a slot that is not mounted", () => {
  it("is read, and the slot stays as it is", async () => {
    const writtenAt = "2026-06-01T00:00:00.000Z";
    const stamp = { version: 1, reference: `r.test/os@${DIGEST}`, digest: DIGEST, writtenAt, files: 7 };
    const image = slot("whole", JSON.stringify(stamp));
    const before = statSync(image).mtimeMs;
    expect(await peekStamp(image, NEVER)).toEqual(stamp);
    expect(statSync(image).mtimeMs).toBe(before);
  });

  it("is none where the slot was never written to its end, or holds no file system", async () => {
    expect(await peekStamp(slot("begun", undefined), NEVER)).toBe("none");
    const empty = join(folder, "empty.img");
    writeFileSync(empty, Buffer.alloc(1024 * 1024));
    expect(await peekStamp(empty, NEVER)).toBe("none");
  });

  it("cannot be told where there is no such device, or nobody may wait for it", async () => {
    expect(await peekStamp(join(folder, "absent"), NEVER)).toBeUndefined();
    expect(await peekStamp(slot("late", undefined), AbortSignal.abort())).toBeUndefined();
  });
});
