/** What scripts/bench runs: measures what it is asked for, prints tables, writes JSON. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { loadAverage } from "./process-figures.ts";
import { formatReport, type Report } from "./report.ts";
import { measureTpmHash } from "./sections/get-tpm-hash.ts";
import { measureMemory } from "./sections/memory.ts";
import { measureOneMachine } from "./sections/one-machine.ts";
import { measureRegistrations } from "./sections/registrations.ts";
import { onStage } from "./stage.ts";

const SECTIONS = ["get-tpm-hash", "one-machine", "registrations", "memory"] as const;
/** 13 KB of JSON, as a real two-socket server has. */
const SMBIOS = { memoryModules: 16 };

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function plans(quick: boolean) {
  return {
    hashRuns: quick ? 3 : 15,
    oneMachine: { runs: quick ? 2 : 9, conversations: quick ? 20 : 100, smbios: SMBIOS },
    registrations: {
      listeners: ["http", "https"] as const,
      residents: quick ? [0] : [0, 10_000],
      loads: quick
        ? [{ inFlight: 10, machines: 300 }]
        : [
            { inFlight: 1, machines: 300 },
            { inFlight: 10, machines: 1_200 },
            { inFlight: 50, machines: 1_200 },
          ],
      rounds: quick ? 1 : 3,
      warmUp: quick ? 300 : 3_000,
      smbios: SMBIOS,
    },
    inventories: quick ? 1_000 : 10_000,
  };
}

async function measure(wanted: ReadonlySet<string>, quick: boolean): Promise<Report> {
  const plan = plans(quick);
  const load = loadAverage();
  const tpmHash = wanted.has("get-tpm-hash") ? await measureTpmHash(plan.hashRuns, say) : undefined;
  const oneMachine = wanted.has("one-machine")
    ? await onStage((stage) => measureOneMachine(stage, plan.oneMachine, say))
    : undefined;
  const registrations = wanted.has("registrations")
    ? await onStage((stage) => measureRegistrations(stage, plan.registrations, say))
    : undefined;
  const memory = wanted.has("memory")
    ? await onStage((stage) => measureMemory(stage, plan.inventories, SMBIOS, say))
    : undefined;
  return {
    loadAverage: load,
    ...(tpmHash === undefined ? {} : { tpmHash }),
    ...(oneMachine === undefined ? {} : { oneMachine }),
    ...(registrations === undefined ? {} : { registrations }),
    ...(memory === undefined ? {} : { memory }),
  };
}

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean", default: false }, json: { type: "string", default: "dist/bench.json" } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !SECTIONS.some((section) => section === name));
if (unknown.length > 0) {
  say(`bench: there is no ${unknown.join(", ")}; there are ${SECTIONS.join(", ")}`);
  process.exit(2);
}
const report = await measure(new Set(positionals.length === 0 ? SECTIONS : positionals), values.quick);
mkdirSync(path.dirname(path.resolve(values.json)), { recursive: true });
writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
process.stdout.write(formatReport(report));
say(`figures in ${values.json}`);
