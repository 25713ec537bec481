/** Files that the environment or a flag names may be pipes to which nobody writes: opening one must not wait for that. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { readSystemCas } from "../../../src/http/index.ts";
import { readLearnedCa } from "../../../src/registration/io/learned-ca-file.ts";

let folder: string;
let pipe: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "named-pipes-"));
  pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
});
afterAll(() => {
  // Ends what still waits in its opening.
  execFileSync("timeout", ["1", "sh", "-c", 'exec 3<>"$1"', "sh", pipe]);
  rmSync(folder, { recursive: true });
});

it.each([
  ["the system's CAs", readSystemCas],
  ["the CAs that were learned", readLearnedCa],
])(
  "%s are not waited for in a pipe",
  async (_what, read) => {
    expect(await read(pipe)).toBeUndefined();
  },
  3_000,
);

it("the system's CAs are not read from what is larger than any bundle", async () => {
  const large = join(folder, "large.pem");
  writeFileSync(large, "-----BEGIN CERTIFICATE-----".padEnd(4 * 1024 * 1024 + 1));
  expect(await readSystemCas(large)).toBeUndefined();
  const bundle = join(folder, "bundle.pem");
  writeFileSync(bundle, "-----BEGIN CERTIFICATE-----");
  expect(await readSystemCas(bundle)).toBe("-----BEGIN CERTIFICATE-----");
});
