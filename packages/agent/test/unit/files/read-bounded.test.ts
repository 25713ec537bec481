/** What somebody may name in place of a small file. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

import { readBounded } from "../../../src/files/index.ts";

const MIB = 1024 ** 2;
const folder = mkdtempSync(join(tmpdir(), "bounded-"));
afterAll(() => rmSync(folder, { recursive: true }));

let pipes = 0;
function newPipe(): string {
  const pipe = join(folder, `pipe-${pipes++}`);
  execFileSync("mkfifo", [pipe]);
  return pipe;
}

it("takes a file to its bound, and none that has more", async () => {
  const path = join(folder, "file");
  const whole = Buffer.alloc(MIB, "0123456789");
  writeFileSync(path, whole);
  expect((await readBounded(path, MIB)).equals(whole)).toBe(true);
  writeFileSync(path, Buffer.concat([whole, Buffer.from("x")]));
  await expect(readBounded(path, MIB)).rejects.toThrow("it has more than 1 MiB");
});

it("takes all that comes through a pipe, also late and in parts", async () => {
  const pipe = newPipe();
  const writer = spawn("sh", ["-c", `exec >"$1"; sleep 0.3; seq 50000; sleep 0.3; seq 50000`, "sh", pipe]);
  try {
    const lines = (await readBounded(pipe, MIB)).toString().split("\n");
    expect([lines.length, lines[0], lines.at(-2)]).toEqual([100_001, "1", "50000"]);
  } finally {
    writer.kill();
  }
});

it("waits for nobody who writes nothing, or without an end", async () => {
  await expect(readBounded(newPipe(), MIB, { timeoutMs: 200 })).rejects.toThrow("it has not come in time (0.2 s)");
  const reading = readBounded(newPipe(), MIB, { signal: AbortSignal.timeout(200) });
  await expect(reading).rejects.toMatchObject({ name: "AbortError" });
  const endless = newPipe();
  const writer = spawn("sh", ["-c", `exec yes >"$1"`, "sh", endless]);
  try {
    await expect(readBounded(endless, MIB)).rejects.toThrow("it has more than 1 MiB");
  } finally {
    writer.kill();
  }
  await expect(readBounded("/dev/zero", MIB)).rejects.toThrow("it has more than 1 MiB");
});

it("says what the system says of what is no file", async () => {
  expect(await readBounded("/dev/null", MIB)).toHaveLength(0);
  await expect(readBounded(folder, MIB)).rejects.toMatchObject({ code: "EISDIR" });
  await expect(readBounded(join(folder, "none"), MIB)).rejects.toMatchObject({ code: "ENOENT" });
});
