/** The figures of a rollout as tables. */
import { formatTable, short } from "./format-table.ts";
import { REASONS } from "./api-writes.ts";
import type { FleetFigures, RolloutReport } from "./sections/rollout.ts";

export function rolloutTable(report: RolloutReport): string {
  const { plan, nodeSeconds, ratio, joinSeconds, mostDown, memory, idle, rollout, planning } = report;
  const { machines, concurrency, factor } = plan;
  const expected = (machines / concurrency) * nodeSeconds;
  const figures: readonly (readonly [string, (one: FleetFigures) => string])[] = [
    ["seconds, of the fleet's clock", (one) => `${short(one.seconds)}, ${short(one.fleetSeconds)}`],
    ["requests of machines, broken ones", (one) => `${one.requests}, ${one.broken}`],
    ["operator CPU ms a request", (one) => short(one.operatorCpuMs / one.requests)],
    ["operator CPU ms a machine", (one) => short(one.operatorCpuMs / machines)],
    ["operator, share of one core at the clock's speed", (one) => short(one.operatorCpuMs / one.seconds / 1_000)],
    ["... at normal speed", (one) => short(one.operatorCpuMs / one.fleetSeconds / 1_000)],
    ["API server and etcd CPU ms a machine", (one) => short(one.controlPlaneCpuMs / machines)],
    ["CPU ms of the machines, each", (one) => short(one.fleetCpuMs / machines)],
    ...writeRows(rollout).map(
      (name) =>
        [`writes of ${name} a machine (refused)`, (one: FleetFigures) => writesOf(one, name, machines)] as const,
    ),
    ["writes a machine, all", (one) => short(allWrites(one) / machines)],
    ...REASONS.map(
      (reason) =>
        [
          `inventory versions a machine: ${reason}`,
          (one: FleetFigures) => short(one.inventoryWrites[reason] / machines),
        ] as const,
    ),
  ];
  return [
    `${machines} machines of one cluster, ${concurrency} at a time, each with ${plan.nodeLabels} node labels; they joined in ${short(joinSeconds)} s.`,
    `A node took ${short(nodeSeconds)} s, so ${short(expected)} s were to be expected, and it took ${short(rollout.fleetSeconds)} s: ${short(ratio)} times that. At most ${mostDown} were down. The clock of machines and operator ran ${factor} times as fast.`,
    formatTable(
      ["while", "no rollout", "rollout"],
      figures.map(([name, of]) => [name, of(idle), of(rollout)]),
    ),
    formatTable(
      ["operator", "resident MB", "of it private MB", "peak MB"],
      [
        ["all have joined", memory.joined] as const,
        ["at its largest, a look a second", memory.most] as const,
        ["20 s after the last machine has left", memory.rested] as const,
      ].map(([what, { rssMb, anonymousMb, peakMb }]) => [what, ...[rssMb, anonymousMb, peakMb].map(short)]),
    ),
    formatTable(
      ["planning alone, among", "a machine goes on, us", "asks in vain, us", "ends, next is granted, us"],
      planning.map((one) => [`${one.machines} machines`, short(one.onMachineUs), short(one.askUs), short(one.grantUs)]),
    ),
  ].join("\n\n");
}

function writeRows({ writes }: FleetFigures): readonly string[] {
  return Object.entries(writes)
    .filter(([, { stored, refused }]) => stored + refused > 0)
    .map(([name]) => name);
}

function writesOf({ writes }: FleetFigures, name: string, machines: number): string {
  const { stored, refused } = writes[name] ?? { stored: 0, refused: 0 };
  return `${short(stored / machines)} (${short(refused / machines)})`;
}

function allWrites({ writes }: FleetFigures): number {
  return Object.values(writes).reduce((sum, { stored }) => sum + stored, 0);
}
