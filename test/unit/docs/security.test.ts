/** Whoever ticks docs/security.md finds the tests that it names. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { LINES } from "../../hostile/attack.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const page = readFileSync(path.join(ROOT, "docs/security.md"), "utf8");

function rows(heading: string): readonly (readonly string[])[] {
  const section = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function paths(cell: string | undefined): readonly string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

it("names tests that are there, in every row", () => {
  const tried = [
    ...rows("What they try").map((cells) => cells[4]),
    ...rows("What the server must refuse").map((cells) => cells[1]),
  ];
  expect(tried.length).toBeGreaterThan(25);
  expect(tried.filter((cell) => paths(cell).length === 0)).toEqual([]);
  expect(tried.flatMap(paths).filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
});

it("has attackers that are described, and says of every row what is left", () => {
  const known = new Set(rows("Who attacks").map(([name]) => name));
  const attempts = rows("What they try");
  expect(attempts.filter((cells) => cells.length !== 6 || cells.includes(""))).toEqual([]);
  expect(attempts.filter((cells) => !known.has(cells[1] ?? ""))).toEqual([]);
});

it("has every line that the hostile client knows", () => {
  const named = new Set(rows("What the server must refuse").map(([line]) => line));
  expect(Object.values(LINES).filter((line) => !named.has(line))).toEqual([]);
});
