/** Packed executables have the same bytes, whatever their user has xz do otherwise. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { compressFile } from "../../../scripts/binaries/compress-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "compress-file-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function packed(name: string): Promise<Buffer> {
  const file = path.join(folder, name);
  writeFileSync(file, "machine code ".repeat(1000));
  await compressFile(file);
  return readFileSync(`${file}.xz`);
}

it.each([
  ["XZ_OPT", "--check=crc32 --extreme"],
  ["XZ_DEFAULTS", "--format=lzma"],
])("does not go by %s", async (name, value) => {
  const plain = await packed("plain");
  vi.stubEnv(name, value);
  expect(await packed("other")).toEqual(plain);
  expect(readdirSync(folder).toSorted()).toEqual(["other", "other.xz", "plain", "plain.xz"]);
});
