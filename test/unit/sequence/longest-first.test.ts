import { existsSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { FILE_SECONDS } from "../../longest-first.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");

it("each file whose seconds are known is there yet", () => {
  const names = Object.keys(FILE_SECONDS);
  expect(names.length).toBeGreaterThan(50);
  expect(names.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
});
