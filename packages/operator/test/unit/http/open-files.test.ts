/** Listeners take no more connections than the process may have files open, and leave it some for itself. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { readOpenFilesLimit } from "../../../src/http/io/open-files-limit.ts";
import { CONNECTION_LIMIT, CONNECTION_LIMIT_MIN, OWN_FILES } from "../../../src/http/limits.ts";
import { connectionLimitOf, openFilesWanted, parseOpenFilesLimit } from "../../../src/http/open-files.ts";

/** As Linux 6.1 writes it, cut short. */
const limits = (
  soft: string,
  hard = soft,
): string => `Limit                     Soft Limit           Hard Limit           Units     
Max processes             63704                63704                processes 
Max open files            ${soft.padEnd(21)}${hard.padEnd(21)}files     
Max locked memory         8388608              8388608              bytes     
`;

it.each([
  ["what may be opened now", limits("1024", "524288"), 1024],
  ["all that the kernel can", limits("1048576"), 1_048_576],
  ["no limit", limits("unlimited"), Number.POSITIVE_INFINITY],
  ["none", limits("0"), 0],
  ["nothing of files", "Max processes             63704                63704                processes \n", undefined],
  ["nothing", "", undefined],
  ["no number", limits("-1"), undefined],
  ["a number that is none", limits("9".repeat(20)), undefined],
  ["the name in the middle of a line", "No Max open files            7                    7\n", undefined],
])("reads %s", (_what, text, limit) => {
  expect(parseOpenFilesLimit(text)).toBe(limit);
});

it("asks the kernel, and knows nothing where there is none to ask", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "open-files-"));
  const file = path.join(folder, "limits");
  writeFileSync(file, limits("2048"));
  expect(await readOpenFilesLimit(file)).toBe(2048);
  expect(await readOpenFilesLimit(path.join(folder, "missing"))).toBeUndefined();
  expect(await readOpenFilesLimit(folder)).toBeUndefined();
});

it.each([
  [undefined, 3, CONNECTION_LIMIT],
  [Number.POSITIVE_INFINITY, 3, CONNECTION_LIMIT],
  [openFilesWanted(3), 3, CONNECTION_LIMIT],
  [openFilesWanted(3) - 1, 3, CONNECTION_LIMIT - 1],
  [1024, 3, 256],
  [1024, 1, 768],
  [OWN_FILES, 2, CONNECTION_LIMIT_MIN],
  [0, 2, CONNECTION_LIMIT_MIN],
  [1024, 0, CONNECTION_LIMIT],
])("with %s files, each of %i listeners takes %i connections", (openFiles, listeners, connections) => {
  expect(connectionLimitOf(openFiles, listeners)).toBe(connections);
});
