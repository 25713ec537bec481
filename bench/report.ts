/** The figures as a page: tables that are Markdown and legible as they are. */
import { formatTable, percent, short } from "./format-table.ts";
import type { CommandSpread, HashFigures } from "./sections/get-tpm-hash.ts";
import type { MemoryFigures } from "./sections/memory.ts";
import type { OneMachineReport } from "./sections/one-machine.ts";
import type { RegistrationReport } from "./sections/registrations.ts";

export interface Report {
  /** Of 1 and 5 minutes, before anything was begun. */
  readonly loadAverage: readonly [number, number];
  readonly tpmHash?: readonly HashFigures[];
  readonly oneMachine?: OneMachineReport;
  readonly registrations?: RegistrationReport;
  readonly memory?: readonly MemoryFigures[];
}

const COMMAND_HEADING = ["whole process", "program", "wall ms", "min", "max", "CPU ms", "peak MB"];

function commandRow(what: string, program: string, spread: CommandSpread): readonly string[] {
  const { wallMs, cpuMs, peakMb } = spread;
  return [what, program, ...[wallMs.median, wallMs.min, wallMs.max, cpuMs.median, peakMb.median].map(short)];
}

function commandRows(what: string, ours: CommandSpread, original: CommandSpread | undefined) {
  const rows = [commandRow(what, "ros-agent", ours)];
  return original === undefined ? rows : [...rows, commandRow(what, "Go, go-attestation", original)];
}

function hashTable(figures: readonly HashFigures[]): string {
  const rows = figures.flatMap((one) =>
    commandRows(`get-tpm-hash, ${one.ekCertificate ? "EK certificate" : "no certificate"}`, one.rosAgent, one.original),
  );
  return formatTable(COMMAND_HEADING, rows);
}

function oneMachineTable(report: OneMachineReport): string {
  const whole = formatTable(COMMAND_HEADING, commandRows("register over TLS", report.rosAgent, report.original));
  const alone = formatTable(
    ["dial to config, key in memory", "ms, median", "min", "max"],
    (["http", "https"] as const).map((listener) => {
      const { median, min, max } = report.conversation[listener];
      return [listener, short(median), short(min), short(max)];
    }),
  );
  return `${whole}\n\n${alone}`;
}

function registrationsTable(report: RegistrationReport): string {
  const heading = ["listener", "present", "in flight", "reg/s", "raw creates/s", "share", "operator ms", "API+etcd ms"];
  const rows = report.figures.map((one) => [
    one.listener,
    one.residents,
    one.inFlight,
    short(one.registrations.perSecond),
    short(one.rawCreates.perSecond),
    percent(one.shareOfRaw),
    short(one.registrations.operatorCpuMs),
    short(one.registrations.controlPlaneCpuMs),
    short(one.registrations.clientCpuMs),
    short(one.registrations.latencyMs.p50),
    short(one.registrations.latencyMs.p95),
    short(one.registrations.latencyMs.p99),
  ]);
  const { machines, operatorCpuMs } = report.coldStart;
  return [
    `CPU milliseconds are for each machine. SMBIOS: ${report.smbiosJsonBytes} bytes of JSON.`,
    formatTable([...heading, "client ms", "p50 ms", "p95 ms", "p99 ms"], rows),
    `The first ${machines} machines of an operator that has just started: ${short(operatorCpuMs)} ms of the operator each.`,
  ].join("\n\n");
}

function memoryTable(figures: readonly MemoryFigures[]): string {
  return formatTable(
    ["inventories", "ready after ms", "resident MB", "of it private MB", "peak MB"],
    figures.map(({ inventories, readyMs, memory }) => [
      inventories,
      short(readyMs),
      short(memory.rssMb),
      short(memory.anonymousMb),
      short(memory.peakMb),
    ]),
  );
}

export function formatReport(report: Report): string {
  const parts = [`Load average before: ${report.loadAverage.join(", ")}`];
  if (report.tpmHash !== undefined) parts.push(hashTable(report.tpmHash));
  if (report.oneMachine !== undefined) parts.push(oneMachineTable(report.oneMachine));
  if (report.registrations !== undefined) parts.push(registrationsTable(report.registrations));
  if (report.memory !== undefined) parts.push(memoryTable(report.memory));
  return `${parts.join("\n\n")}\n`;
}
