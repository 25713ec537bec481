/** Why the system does not let us at a file, for a tired person. */
import { expect, it } from "vitest";

import { whyRefused } from "../../../src/files/index.ts";

it.each([
  ["ENOSPC", "the disk is full"],
  ["EROFS", "the disk is read-only"],
  ["EIO", "EIO, the disk fails"],
  ["EACCES", "this user may not"],
  ["EBADF", "EBADF"],
])("%s is told in words, where there are some", (code, words) => {
  expect(whyRefused(Object.assign(new Error(`${code}: some text`), { code }))).toBe(words);
});
