/** What scripts/bench runs: measures what it is asked for, prints tables, writes JSON. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { clearWhenStopped } from "./folders.ts";
import { loadAverage, measuringMachine } from "./machine.ts";
import { PLAN, QUICK_PLAN, type Plan } from "./plan.ts";
import { formatReport, type Report } from "./report.ts";
import { measureAgent } from "./sections/agent.ts";
import { measureDrain } from "./sections/drain.ts";
import { measureTpmHash } from "./sections/get-tpm-hash.ts";
import { measureHostile } from "./sections/hostile.ts";
import { measureMemory } from "./sections/memory.ts";
import { measureOneMachine } from "./sections/one-machine.ts";
import { measureRegistrations } from "./sections/registrations.ts";
import { measureRollout } from "./sections/rollout.ts";
import { onStage } from "./stage.ts";

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Each gives its part of the report. */
const SECTIONS: Readonly<Record<string, (plan: Plan) => Promise<Partial<Report>>>> = {
  "get-tpm-hash": async ({ hashRuns }) => ({ tpmHash: await measureTpmHash(hashRuns, say) }),
  agent: async ({ agent }) => ({ agent: await measureAgent(agent, say) }),
  "one-machine": async ({ oneMachine }) => ({
    oneMachine: await onStage((stage) => measureOneMachine(stage, oneMachine, say)),
  }),
  registrations: async ({ registrations }) => ({
    registrations: await onStage((stage) => measureRegistrations(stage, registrations, say)),
  }),
  memory: async ({ memory }) => ({ memory: await onStage((stage) => measureMemory(stage, memory, say)) }),
  drain: async ({ drain }) => ({ drain: await onStage((stage) => measureDrain(stage, drain, say)) }),
  rollout: async ({ rollout }) => ({ rollout: await onStage((stage) => measureRollout(stage, rollout, say)) }),
  hostile: async ({ hostile }) => ({ hostile: await onStage((stage) => measureHostile(stage, hostile, say)) }),
};

/** Whole or not at all: a run that is stopped leaves the figures of the one before. */
function write(file: string, report: Report): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(report, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    machines: { type: "string" },
    concurrency: { type: "string" },
    clock: { type: "string" },
    json: { type: "string", default: "dist/bench.json" },
  },
  allowPositionals: true,
});
const names = Object.keys(SECTIONS);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  say(`bench: there is no ${unknown.join(", ")}; there are ${names.join(", ")}`);
  process.exit(2);
}
const plan = values.quick ? QUICK_PLAN : PLAN;
/** @returns what was asked for, from 1; ends the program where that is no number */
function countOf(name: "rounds" | "machines" | "concurrency" | "clock", otherwise: number): number {
  const count = Number(values[name] ?? otherwise);
  if (!Number.isInteger(count) || count < 1) {
    say(`bench: --${name} takes a whole number from 1`);
    process.exit(2);
  }
  return count;
}

const chosen: Plan = {
  ...plan,
  registrations: { ...plan.registrations, rounds: countOf("rounds", plan.registrations.rounds) },
  rollout: {
    ...plan.rollout,
    machines: countOf("machines", plan.rollout.machines),
    concurrency: countOf("concurrency", plan.rollout.concurrency),
    fastest: countOf("clock", plan.rollout.fastest),
    factor: Math.min(plan.rollout.factor, countOf("clock", plan.rollout.fastest)),
  },
};
clearWhenStopped(say);
let report: Report = {
  startedAt: new Date().toISOString(),
  machine: measuringMachine(),
  quick: values.quick,
  load: {},
};
for (const [name, measure] of Object.entries(SECTIONS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  say(`== ${name}`);
  const before = loadAverage();
  const part = await measure(chosen);
  report = { ...report, ...part, load: { ...report.load, [name]: { before, after: loadAverage() } } };
  // After each section: an hour's figures are not lost with the last one.
  write(values.json, report);
}
process.stdout.write(formatReport(report));
say(`figures in ${values.json}`);
