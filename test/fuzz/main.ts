/** The nightly fuzzing: `scripts/fuzz [--count N] [--seed N]`. Exit status 1 where anything was found. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

const NIGHTLY_COUNT = 10_000_000;
const PROGRESS_MS = 10_000;

function fail(text: string): never {
  process.stderr.write(`fuzz: ${text}; usage: scripts/fuzz [--count N] [--seed N]\n`);
  process.exit(2);
}

function numberOf(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : fail(`--${name} ${text} is no number`);
}

function options(): { readonly count: number; readonly seed: number } {
  try {
    const { values } = parseArgs({ options: { count: { type: "string" }, seed: { type: "string" } } });
    return {
      count: numberOf("count", values.count, NIGHTLY_COUNT),
      seed: numberOf("seed", values.seed, randomInt(2 ** 32)),
    };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

const { count, seed } = options();
const start = performance.now();
let said = start;
console.log(`${count} inputs for ${TARGETS.length} readers; again with --count ${count} --seed ${seed}`);
const report = fuzz({
  targets: TARGETS,
  count,
  seed,
  onFinding: ({ target, what, input }) => console.log(`FOUND ${target}: ${what}\n  input ${input}`),
  onProgress(done) {
    if (performance.now() - said < PROGRESS_MS) return;
    said = performance.now();
    console.log(`${Math.floor((100 * done) / count)} %, ${done} inputs in ${Math.round((said - start) / 1_000)} s`);
  },
});
for (const { name, inputs, accepted, slowestMs } of report.targets) {
  console.log(`${name.padEnd(32)} ${inputs} inputs, ${accepted} read as valid, slowest ${slowestMs.toFixed(1)} ms`);
}
const seconds = Math.round((performance.now() - start) / 1_000);
const grown = Math.round(report.grownBytes / 1_048_576);
console.log(
  `${report.inputs} inputs in ${seconds} s, ${report.findings.length} findings, grown by ${grown} MB, seed ${seed}`,
);
process.exitCode = report.findings.length === 0 && report.inputs === count ? 0 : 1;
