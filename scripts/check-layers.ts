/** Checks who imports whom (.dependency-cruiser.mjs) and that no file hides behind a vague name. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";

const RULES = fileURLToPath(new URL("../.dependency-cruiser.mjs", import.meta.url));
const FOLDERS = ["packages", "test", "scripts", "bench"];
/** A name that says nothing invites everything. */
const VAGUE_NAME = /^(?:(?:.+-)?(?:utils?|helpers?|misc)|common|shared|types)(?:\.[^/]+)?$/u;
const NOT_OURS = new Set(["node_modules", "dist", "testdata"]);

export interface LayerViolation {
  readonly rule: string;
  readonly from: string;
  /** What it must not import; absent where the name itself is the trouble. */
  readonly to?: string;
}

export interface LayerReport {
  readonly moduleCount: number;
  readonly violations: readonly LayerViolation[];
}

/** @param root  a checkout, or a folder laid out like one */
export async function checkLayers(root: string): Promise<LayerReport> {
  const folders = FOLDERS.filter((folder) => existsSync(path.join(root, folder)));
  const options = await extractDepcruiseOptions(RULES);
  const { output } = await cruise(folders, { ...options, baseDir: root, validate: true });
  if (typeof output === "string") throw new Error("dependency-cruiser answered with text instead of a result");
  const names = await Promise.all(folders.map((folder) => findVagueNames(root, folder)));
  return {
    moduleCount: output.modules.length,
    violations: [...importViolations(output), ...names.flat()],
  };
}

/** @returns the names of all rules that checkLayers knows */
export async function ruleNames(): Promise<readonly string[]> {
  const { ruleSet } = await extractDepcruiseOptions(RULES);
  return [...(ruleSet?.forbidden ?? []).map(({ name }) => name ?? "unnamed"), "no-vague-names"];
}

function importViolations(result: ICruiseResult): LayerViolation[] {
  return result.summary.violations.map(({ rule, from, to, cycle }) => ({
    rule: rule.name,
    from,
    to: cycle === undefined ? to : cycle.map(({ name }) => name).join(" -> "),
  }));
}

async function findVagueNames(root: string, folder: string): Promise<LayerViolation[]> {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => !NOT_OURS.has(entry.name))
      .map(async (entry) => {
        const own = path.posix.join(folder, entry.name);
        const here = VAGUE_NAME.test(entry.name) ? [{ rule: "no-vague-names", from: own }] : [];
        return entry.isDirectory() ? [...here, ...(await findVagueNames(root, own))] : here;
      }),
  );
  return found.flat();
}

if (import.meta.main) {
  const { moduleCount, violations } = await checkLayers(fileURLToPath(new URL("..", import.meta.url)));
  for (const { rule, from, to } of violations) {
    console.error(to === undefined ? `${rule}: ${from}` : `${rule}: ${from} -> ${to}`);
  }
  console.log(`${moduleCount} modules, ${violations.length} violations (the rules are in .dependency-cruiser.mjs)`);
  // Nothing looked at is not the same as nothing wrong.
  process.exitCode = violations.length === 0 && moduleCount > 0 ? 0 : 1;
}
