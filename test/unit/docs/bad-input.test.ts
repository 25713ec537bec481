import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

it("the table of bad input names tests that are there", () => {
  const rows = read("test/bad-input.md")
    .split("\n")
    .flatMap((line) => {
      const cells = line.split("|").map((cell) => cell.trim());
      const [, path] = /^`(.+\.test\.ts)`$/.exec(cells[3] ?? "") ?? [];
      return path === undefined ? [] : [{ path, title: cells[4] ?? "" }];
    });
  expect(rows.length).toBeGreaterThan(15);
  const missing = rows.filter(({ path, title }) => title === "" || !read(path).includes(title));
  expect(missing).toEqual([]);
});
