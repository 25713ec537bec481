/** The figures of a rollout as tables. */
import { formatTable, short } from "./format-table.ts";
import { REASONS } from "./api-writes.ts";
import type { FleetFigures } from "./fleet-meter.ts";
import type { RolloutReport } from "./sections/rollout.ts";

export function rolloutTable(report: RolloutReport): string {
  const { plan, nodeSeconds, ratio, joinSeconds, mostDown, memory, idle, rollout, planning } = report;
  const { machines, concurrency } = plan;
  const expected = (machines / concurrency) * nodeSeconds;
  const figures: readonly (readonly [string, (one: FleetFigures) => string])[] = [
    ["seconds, of the fleet's clock", (one) => `${short(one.seconds)}, ${short(one.fleetSeconds)}`],
    [
      "the clock ran so many times as fast (slowest, fastest)",
      ({ fleetSeconds, seconds, pace }) =>
        `${short(fleetSeconds / seconds)} (${short(pace.slowest)}, ${short(pace.fastest)})`,
    ],
    ["cores: load generator", (one) => short(one.pace.generator)],
    ["cores: operator", (one) => short(one.pace.operator)],
    ["cores: API server and etcd", (one) => short(one.pace.controlPlane)],
    ["cores: whatever else ran", (one) => short(one.pace.others)],
    ["ms a request, on the clock", (one) => short(one.pace.requestMs)],
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
    `A node took ${short(nodeSeconds)} s, so ${short(expected)} s were to be expected, and it took ${short(rollout.fleetSeconds)} s: ${short(ratio)} times that. At most ${mostDown} were down.`,
    paceText(rollout),
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
      [
        "planning alone, among",
        "a machine goes on, us",
        "asks in vain, us",
        "ends, next is granted, us",
        "inventory changes, us",
      ],
      planning.map((one) => [
        `${one.machines} machines`,
        short(one.onMachineUs),
        short(one.askUs),
        short(one.grantUs),
        short(one.indexUs),
      ]),
    ),
  ].join("\n\n");
}

/** Who was the bottleneck: what the figures say of the operator holds only as far as it was not the load generator. */
function paceText({ fleetSeconds, seconds, pace }: FleetFigures): string {
  const held = Object.entries(pace.heldBackBy).toSorted(([, a], [, b]) => b - a);
  const [most] = held[0] ?? [""];
  const shares = held.map(([what, percent]) => `${what} (${percent} %)`).join(", ");
  const verdict =
    most === "the load generator"
      ? "The load generator, not the operator, was the bottleneck."
      : `Mostly, it was ${most}.`;
  return `The clock of machines and operator ran ${short(fleetSeconds / seconds)} times as fast on average. What kept it from running faster: ${shares}. ${verdict}`;
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
