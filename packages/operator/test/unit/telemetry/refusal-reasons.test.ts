/** No code can be refused with that metrics, Events and docs/errors.md do not know. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { ALL_REASONS } from "../../../src/refusal-reasons.ts";
import { DECISION_REASONS } from "../../../src/telemetry/index.ts";

const PACKAGES = fileURLToPath(new URL("../../../../", import.meta.url));
/** Tables of errors.ts files whose codes no machine is ever refused with. */
const NEVER_A_REFUSAL = new Set(["SETTINGS_ERRORS", "DEFAULTS_ERRORS", "TUNNEL_ERRORS", "CHANNEL_ERRORS"]);

/** Codes of all error tables that the operator's and the protocol's domains have. */
async function codesOfTables(): Promise<readonly string[]> {
  const files = ["operator", "protocol"].flatMap((name) => {
    const folder = path.join(PACKAGES, name, "src");
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => path.basename(file) === "errors.ts")
      .map((file) => path.join(folder, file));
  });
  const modules = await Promise.all(
    files.map(async (file) => (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>),
  );
  return modules
    .flatMap((module) => Object.entries(module))
    .filter(([name]) => name.endsWith("_ERRORS") && !NEVER_A_REFUSAL.has(name))
    .flatMap(([, table]) => Object.keys(table as object));
}

it("has the codes of every error table", async () => {
  const codes = await codesOfTables();
  expect(codes.length).toBeGreaterThan(80);
  expect(codes.filter((code) => !ALL_REASONS.has(code))).toEqual([]);
});

it("has no reason that docs/errors.md does not explain", () => {
  const page = readFileSync(path.join(PACKAGES, "../docs/errors.md"), "utf8");
  // A code has a heading, a reason of another decision a row of a table.
  const isExplained = (reason: string): boolean => page.includes(`\n### ${reason}\n`) || page.includes(`\`${reason}\``);
  expect([...ALL_REASONS].filter((reason) => !isExplained(reason))).toEqual([]);
});

it("keeps the names of refusals and of other decisions apart", async () => {
  const codes = new Set(await codesOfTables());
  expect(Object.keys(DECISION_REASONS).filter((reason) => codes.has(reason))).toEqual([]);
});
