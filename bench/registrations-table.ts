/** Registrations as a table: our operator by both protocols, and a Go program on the original's libraries where it took part. */
import { formatTable, percent, short } from "./format-table.ts";
import type { RegistrationFigures, RegistrationReport } from "./sections/registrations.ts";
import type { ProtocolFigures } from "./timed-load.ts";

const HEADING = [
  "operator",
  "protocol",
  "listener",
  "present",
  "in flight",
  "reg/s",
  "raw creates/s",
  "share",
  "operator ms",
  "API+etcd ms",
  "client ms",
  "writes",
  "resident MB",
  "p50 ms",
  "p95 ms",
  "p99 ms",
];

const WHO_IS_GO =
  "Go is not the original but a small program of ours that does what the original does for a machine, on its libraries: " +
  "client-go with caches and indexes, gorilla/websocket and go-attestation. It has none of the original's other work, so that the original costs no less, but for what newer versions of Go and client-go changed.";

function row(operator: string, protocol: string, one: RegistrationFigures, figures: ProtocolFigures) {
  const { operatorCpuMs, controlPlaneCpuMs, clientCpuMs, writes, operatorMb, latencyMs } = figures;
  return [
    operator,
    protocol,
    one.listener,
    one.residents,
    one.inFlight,
    short(figures.perSecond),
    short(one.rawCreates.perSecond),
    percent(figures.shareOfRaw),
    ...[operatorCpuMs, controlPlaneCpuMs, clientCpuMs].map(short),
    writes.toFixed(2),
    ...[operatorMb, latencyMs.p50, latencyMs.p95, latencyMs.p99].map(short),
  ];
}

export function registrationsTable(report: RegistrationReport): string {
  const rows = report.figures.flatMap((one) => [
    row("ours", "rancherd's", one, one.registrations),
    ...(one.goRegistrations === undefined ? [] : [row("Go", "rancherd's", one, one.goRegistrations)]),
    row("ours", "attestation", one, one.attestations),
  ]);
  const { machines, operatorCpuMs } = report.coldStart;
  return [
    `CPU milliseconds and writes of inventories are for each machine. SMBIOS: ${report.smbiosJsonBytes} bytes of JSON.`,
    formatTable(HEADING, rows),
    ...(report.figures.some(({ goRegistrations }) => goRegistrations !== undefined) ? [WHO_IS_GO] : []),
    `The first ${machines} machines of an operator of ours that has just started: ${short(operatorCpuMs)} ms of it each.`,
  ].join("\n\n");
}
