/** An upgrade that is killed, or whose machine loses power, at each point that the code itself names. */
import { describe, expect, it } from "vitest";

import { FAULT_POINTS, type FaultPoint } from "../../../src/upgrade/fault-points.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, OLD_RELEASE, orderOf, REFERENCE, type World } from "./machine-world.ts";
import { ownSlots, type OwnSlots, type SlotPoint } from "./own-slots.ts";

interface Scenario {
  readonly world: Partial<World>;
  readonly plan: Parameters<typeof orderOf>[0];
}

const C1 = "hostname: before";
const C2 = "hostname: after";

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "that goes well": { world: {}, plan: {} },
  "whose image falls back": { world: { imageBoots: "falls-back" }, plan: {} },
  "whose drain fails": { world: { drain: "fails" }, plan: {} },
  "whose upgrade container fails": { world: { upgradeContainer: "fails" }, plan: {} },
  "of a node that somebody else has cordoned": {
    world: { node: { unschedulable: true, ready: true, bootId: "boot-1", exists: true } },
    plan: {},
  },
  "without prepare and drain": { world: {}, plan: { prepare: undefined, drain: undefined } },
  "whose image was there before": { world: { images: new Map([[REFERENCE, "foreign"]]) }, plan: {} },
  "whose slot is lost": { world: { slotHeld: false }, plan: {} },
  "into a slot of our own": {
    world: { ours: ownSlots(OLD_RELEASE), cloudConfig: C1 },
    plan: { cloudConfig: C2 },
  },
  "into a slot, without prepare": { world: { ours: ownSlots(OLD_RELEASE) }, plan: { prepare: undefined } },
  "into a slot whose image panics": {
    world: { ours: ownSlots(OLD_RELEASE, { trial: "panics" }), cloudConfig: C1 },
    plan: { cloudConfig: C2 },
  },
  "into a slot whose image panics, where there was no cloud config": {
    world: { ours: ownSlots(OLD_RELEASE, { trial: "panics" }) },
    plan: { cloudConfig: C2, prepare: undefined },
  },
  "into a slot whose checks fail, without the cloud config of before": {
    world: { ours: ownSlots(OLD_RELEASE, { trial: "fails-checks" }), cloudConfig: C1 },
    plan: {},
  },
  "into a slot of a machine that cannot be restarted": {
    world: { ours: ownSlots(OLD_RELEASE, { failedRestarts: Infinity }), cloudConfig: C1 },
    plan: { cloudConfig: C2 },
  },
  "whose prepare container fails": { world: { prepareContainer: "fails" }, plan: {} },
};

const CUT_TRIAL = {
  phase: "RolledBack",
  code: "UPGRADE_FELL_BACK",
  endings: 1,
  cordon: "none",
  unschedulable: false,
  ours: { runs: "a", good: "a", try: undefined },
  images: [],
  remembered: [],
} as const;

/** The power cut was the restart that nobody could ask for, and came before the trial was called off. */
const CUT_INTO_TRIAL = {
  phase: "Succeeded",
  code: undefined,
  endings: 1,
  cordon: "none",
  unschedulable: false,
  ours: { runs: "b", good: "b", try: undefined },
  failed: [],
  images: [],
  remembered: [],
} as const;

/** What is to be the same however often the agent was killed. */
function finalState(world: World) {
  const journal = readJournal(world.disk ?? "");
  const [last] = journal.history;
  return {
    phase: last?.phase,
    code: last?.reason?.code,
    endings: journal.history.length,
    cordon: journal.cordon,
    unschedulable: world.node.unschedulable,
    slots: world.slots,
    config: { present: world.cloudConfig, before: world.cloudConfigBefore, applied: world.appliedConfig },
    ours: world.ours === undefined ? undefined : { ...world.ours, trials: undefined },
    failed: journal.failedDigests.map(({ digest }) => digest),
    containers: [...world.containers],
    images: [...world.images],
    remembered: journal.images,
    pods: world.pods,
  };
}

async function run(
  { world: changes, plan }: Scenario,
  onPoint: (point: FaultPoint | SlotPoint, count: number) => "kill" | "power-cut" | undefined,
) {
  const world = createWorld({
    ...changes,
    ...(changes.node === undefined ? {} : { node: { ...changes.node } }),
    images: new Map(changes.images),
    ours: structuredClone(changes.ours),
  });
  const life = createLife(world);
  life.onPoint = onPoint;
  await live(life, orderOf(plan));
  return world;
}

/** As the operating system finds it at its start and ever after, and nothing kept beside it. */
const config = (present: string | undefined) => ({ present, before: undefined, applied: present });

function evictions({ events }: World): readonly string[] {
  return events.filter((event) => event.startsWith("evicted"));
}

describe("the points at which an upgrade can be killed", () => {
  it("are all of those that the code names", async () => {
    const seen = new Set<FaultPoint | SlotPoint>();
    for (const scenario of Object.values(SCENARIOS)) {
      const world = await run(scenario, () => undefined);
      for (const point of world.reached) seen.add(point);
    }
    // A container is stopped only where one was left.
    const world = await run({ world: {}, plan: {} }, (point, count) =>
      point === "container:before" && count < 30 ? "kill" : undefined,
    ).catch(() => undefined);
    for (const point of world?.reached ?? []) seen.add(point);
    expect([...FAULT_POINTS].filter((point) => !seen.has(point))).toEqual([]);
  });
});

describe.each(Object.entries(SCENARIOS))("an upgrade %s", (_name, scenario) => {
  it.each(["kill", "power-cut"] as const)("comes to the same end after a %s at any point", async (death) => {
    const undisturbed = await run(scenario, () => undefined);
    const expected = finalState(undisturbed);
    const points = undisturbed.reached.length;
    expect(points).toBeGreaterThan(20);
    for (let at = 1; at <= points; at++) {
      const world = await run(scenario, (_point, count) => (count === at ? death : undefined));
      const where = `${death} at ${at} (${undisturbed.reached[at - 1]}): ${world.events.join(", ")}`;
      // A trial that the power ends is one that did not come up: nothing can tell the two apart, and no image is tried twice.
      const isCutTrial = death === "power-cut" && world.ours?.runs === "a" && expected.ours?.runs === "b";
      const isCutIntoTrial = death === "power-cut" && world.ours?.runs === "b" && expected.code === "SLOT_NO_RESTART";
      if (isCutIntoTrial) expect(finalState(world), where).toMatchObject({ ...CUT_INTO_TRIAL, config: config(C2) });
      else if (isCutTrial)
        expect(finalState(world), where).toMatchObject({ ...CUT_TRIAL, config: config(scenario.world.cloudConfig) });
      else expect(finalState(world), where).toEqual(expected);
      expect(new Set(evictions(world)).size, where).toBe(evictions(world).length);
      expect(
        world.events.filter((event) => event.startsWith("removed")),
        where,
      ).toEqual([]);
    }
  });
});

describe("a trial that the boot loader cannot be told of, or cannot be told to forget", () => {
  it.each<[string, Partial<OwnSlots>]>([
    ["is not known to be armed, and is called off in the end", { failedTries: Infinity, failedForgets: 2 }],
    ["is not known to be armed, and stays so", { failedTries: Infinity, failedForgets: Infinity }],
    ["is not known to be armed at first", { failedTries: 2 }],
    ["does not come, and is called off in the end", { forgetsRestarts: true, failedForgets: 2 }],
    ["does not come, and stays armed", { forgetsRestarts: true, failedForgets: Infinity }],
    ["cannot be crossed out", { trial: "not-written-down", failedForgets: Infinity }],
    ["panics, and cannot be called off", { trial: "panics", failedForgets: Infinity }],
  ])(
    "never comes with the old cloud config, and without a run only to a machine without pods: one that %s",
    async (_what, slots) => {
      const scenario = { world: { ours: ownSlots(OLD_RELEASE, slots), cloudConfig: C1 }, plan: { cloudConfig: C2 } };
      const points = (await run(scenario, () => undefined)).reached.length;
      const wrong: string[] = [];
      for (const death of ["kill", "power-cut"] as const) {
        for (let at = 0; at <= points; at++) {
          const world = await run(scenario, (_point, count) => (count === at ? death : undefined));
          const isLeft = world.node.unschedulable && readJournal(world.disk ?? "").cordon === "ours";
          const isSafe = world.ours?.try === undefined || (world.cloudConfig === C2 && isLeft);
          if (!isSafe) wrong.push(`${death} at ${at}: ${world.events.join(", ")}`);
        }
      }
      expect(wrong).toEqual([]);
    },
  );
});
