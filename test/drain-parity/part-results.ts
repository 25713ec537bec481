/** What came of the parts of a long comparison, kept below .work, so that it goes on where it was ended. */
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import path from "node:path";
import type { KindCounts } from "./kinds.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
/** What decides about the outcomes: results of other sources than today's say nothing. */
const SOURCES = [
  "packages/agent/src/{drain,kubernetes}/**/*.ts",
  "test/drain-parity/*.ts",
  "scripts/control-plane/kubernetes/**/*",
];

export interface PartResult {
  readonly pairs: number;
  readonly differing: number;
  readonly kinds: KindCounts;
  /** The first of them. */
  readonly differences: readonly string[];
}

export interface PartResults {
  readonly folder: string;
  readonly read: (part: number) => PartResult | undefined;
  readonly keep: (part: number, result: PartResult) => Promise<void>;
}

/** @param name  what the parts are parts of */
export function openPartResults(name: string): PartResults {
  const folder = path.join(ROOT, ".work/drain-parity", `${hashSources()}-${name}`);
  mkdirSync(folder, { recursive: true });
  const fileOf = (part: number): string => path.join(folder, `part-${part}.json`);
  return {
    folder,
    read: (part) => {
      const file = fileOf(part);
      return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as PartResult) : undefined;
    },
    keep: async (part, result) => {
      // Two runs with the same seed do the same work, and neither breaks the other's file.
      const making = `${fileOf(part)}.${process.pid}`;
      const file = await open(making, "w");
      try {
        await file.writeFile(JSON.stringify(result, undefined, 2));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(making, fileOf(part));
    },
  };
}

function hashSources(): string {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort()) {
    const full = path.join(ROOT, file);
    if (path.extname(file) !== "") hash.update(`${file}\0`).update(readFileSync(full)).update("\0");
  }
  return hash.digest("hex").slice(0, 12);
}
