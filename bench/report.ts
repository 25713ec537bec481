/** The figures as a page: tables that are Markdown and legible as they are. */
import { formatTable, percent, short } from "./format-table.ts";
import { registrationsTable } from "./registrations-table.ts";
import type { AgentFigures } from "./sections/agent.ts";
import type { DrainReport } from "./sections/drain.ts";
import type { CommandSpread, Contestants } from "./contestants.ts";
import type { HashFigures } from "./sections/get-tpm-hash.ts";
import type { LoadAverage, MeasuringMachine } from "./machine.ts";
import type { ProcessMemory } from "./process-figures.ts";
import type { HostileReport } from "./sections/hostile.ts";
import type { MemoryReport } from "./sections/memory.ts";
import type { OneMachineReport } from "./sections/one-machine.ts";
import { rolloutTable } from "./rollout-table.ts";
import type { RolloutReport } from "./sections/rollout.ts";
import type { RegistrationReport } from "./sections/registrations.ts";

export interface Report {
  /** As ISO 8601. */
  readonly startedAt: string;
  readonly machine: MeasuringMachine;
  readonly quick: boolean;
  /** How busy the machine was with other things before each section, and after it with the section's own. */
  readonly load: Readonly<Record<string, { readonly before: LoadAverage; readonly after: LoadAverage }>>;
  readonly tpmHash?: readonly HashFigures[];
  readonly agent?: readonly AgentFigures[];
  readonly oneMachine?: OneMachineReport;
  readonly registrations?: RegistrationReport;
  readonly memory?: MemoryReport;
  readonly drain?: DrainReport;
  readonly hostile?: HostileReport;
  readonly rollout?: RolloutReport;
}

const COMMAND_HEADING = ["whole process", "program", "wall ms", "min", "max", "CPU ms", "peak MB"];

function commandRow(what: string, program: string, spread: CommandSpread): readonly string[] {
  const { wallMs, cpuMs, peakMb } = spread;
  return [what, program, ...[wallMs.median, wallMs.min, wallMs.max, cpuMs.median, peakMb.median].map(short)];
}

function commandRows(what: string, { rosAgent, executable, original }: Contestants) {
  return [
    ...(executable === undefined ? [] : [commandRow(what, "ros-agent, single executable", executable)]),
    commandRow(what, "ros-agent, checkout", rosAgent),
    ...(original === undefined ? [] : [commandRow(what, "Go, go-attestation", original)]),
  ];
}

function hashTable(figures: readonly HashFigures[]): string {
  const rows = figures.flatMap((one) =>
    commandRows(`get-tpm-hash, ${one.ekCertificate ? "EK certificate" : "no certificate"}`, one),
  );
  return formatTable(COMMAND_HEADING, rows);
}

function agentTable(figures: readonly AgentFigures[]): string {
  return formatTable(
    ["ros-agent run", "ready ms", "min", "max", "CPU ms", "resident MB", "private MB"],
    figures.map(({ program, readyMs, readyCpuMs, residentMb, privateMb }) => [
      program,
      ...[readyMs.median, readyMs.min, readyMs.max, readyCpuMs.median, residentMb.median, privateMb.median].map(short),
    ]),
  );
}

function oneMachineTable(report: OneMachineReport): string {
  const whole = formatTable(COMMAND_HEADING, commandRows("register over TLS", report));
  const alone = formatTable(
    ["dial to config, key in memory", "ms, median", "min", "max"],
    (["http", "https"] as const).map((listener) => {
      const { median, min, max } = report.conversation[listener];
      return [listener, short(median), short(min), short(max)];
    }),
  );
  return `${whole}\n\n${alone}`;
}

function memoryTable(report: MemoryReport): string {
  const row = (what: string, ready: string, memory: ProcessMemory): readonly string[] => [
    what,
    ready,
    ...[memory.rssMb, memory.anonymousMb, memory.peakMb].map(short),
  ];
  const { visitors, atOnce, rested } = report.visited;
  const restS = report.restMs / 1000;
  return [
    `SMBIOS: ${report.smbiosJsonBytes} bytes of JSON each. Looked at ${restS} s after it was ready.`,
    formatTable(
      ["operator with", "ready after ms (CPU ms)", "resident MB", "of it private MB", "peak MB"],
      [
        ...report.starts.map(({ inventories, readyMs, readyCpuMs, memory }) =>
          row(`${inventories} inventories`, `${short(readyMs)} (${short(readyCpuMs)})`, memory),
        ),
        row(`${visitors} visitors more`, "", atOnce),
        row(`... and ${restS} s of rest`, "", rested),
      ],
    ),
  ].join("\n\n");
}

function hostileTable(report: HostileReport): string {
  const row = (what: string, { perSecond, registered, comeBacks, cpuShare, memory }: HostileReport["alone"]) => [
    what,
    short(perSecond),
    `${registered} of ${report.rounds * report.machines}`,
    comeBacks,
    percent(cpuShare),
    short(memory.rssMb),
    short(memory.peakMb),
  ];
  const open = Object.entries(report.open).map(([manner, count]) => `${count} of ${manner}`);
  return [
    `${report.machines} machines, ${report.atOnce} at once, ${report.rounds} times. Open at the end: ${open.join(", ")}.`,
    formatTable(
      ["honest machines", "reg/s", "registered", "came back", "operator CPU", "resident MB", "peak MB"],
      [row("alone", report.alone), row(`beside ${report.connections} hostile connections`, report.beside)],
    ),
  ].join("\n\n");
}

function drainTable({ pods, graceMs, figures }: DrainReport): string {
  const rows = figures.flatMap(({ budgets, rosAgent, kubectl }) => [
    commandRow(`drain, ${budgets} budgets`, "ros-agent", rosAgent),
    commandRow(`drain, ${budgets} budgets`, "kubectl", kubectl),
  ]);
  return [
    `${pods} pods, all of them evicted; each ends ${graceMs} ms after its eviction. The budgets let all go.`,
    formatTable(COMMAND_HEADING, rows),
  ].join("\n\n");
}

function machineLine({ machine, quick, startedAt }: Report): string {
  const { cores, processor, memoryGb, kernel, node, virtual } = machine;
  const hardware = `${cores} cores of ${virtual ? "a virtual machine, " : ""}${processor}, ${memoryGb} GB`;
  return `${startedAt}${quick ? ", quick" : ""}: ${hardware}, Linux ${kernel}, Node ${node}`;
}

function section(report: Report, name: string, title: string, text: string): string {
  const load = report.load[name];
  const busy =
    load === undefined ? "" : `\n\nLoad average before ${load.before.join(", ")}; after ${load.after.join(", ")}.`;
  return `## ${title}\n\n${text}${busy}`;
}

/** One part a section that was measured. */
export function formatReport(report: Report): string {
  const { tpmHash, agent, oneMachine, registrations, memory, drain, hostile, rollout } = report;
  const parts = [machineLine(report)];
  if (tpmHash !== undefined) parts.push(section(report, "get-tpm-hash", "TPM hash", hashTable(tpmHash)));
  if (agent !== undefined) parts.push(section(report, "agent", "The agent as a service", agentTable(agent)));
  if (oneMachine !== undefined) parts.push(section(report, "one-machine", "One machine", oneMachineTable(oneMachine)));
  if (registrations !== undefined) {
    parts.push(section(report, "registrations", "Many machines", registrationsTable(registrations)));
  }
  if (memory !== undefined) parts.push(section(report, "memory", "Memory", memoryTable(memory)));
  if (drain !== undefined) parts.push(section(report, "drain", "Drain", drainTable(drain)));
  if (rollout !== undefined) parts.push(section(report, "rollout", "Rollout", rolloutTable(rollout)));
  if (hostile !== undefined) parts.push(section(report, "hostile", "Hostile connections", hostileTable(hostile)));
  return `${parts.join("\n\n")}\n`;
}
