/** Random courses of events: whatever comes up, in whatever order, some things never happen, and there is always an end. */
import { assert, asyncProperty, constantFrom, integer, option, record, array } from "fast-check";
import { describe, expect, it } from "vitest";

import { PHASES } from "@rancheros/protocol/upgrade";
import type { Journal } from "../../../src/upgrade/journal.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live, type Life } from "./machine-life.ts";
import { createWorld, orderOf, NEW_RELEASE, type World } from "./machine-world.ts";

/** While something is under way: afterwards it would be another upgrade. */
function offer({ upgrades }: Life, changes: Parameters<typeof orderOf>[0]): void {
  if (upgrades?.journal().run !== undefined) void upgrades.offer(orderOf(changes)).catch(() => undefined);
}

/** What happens at one of the points that the code names. */
const EVENTS = {
  kill: () => "kill",
  "power-cut": () => "power-cut",
  abort: ({ upgrades }: Life) => void upgrades?.abort().catch(() => undefined),
  "slot-lost": ({ upgrades, world }: Life) => {
    world.slotHeld = false;
    const plan = upgrades?.journal().run?.order.plan;
    if (plan !== undefined) upgrades?.loseSlot(plan.id, plan.attempt);
  },
  "other-plan": (life: Life) => offer(life, { id: "e".repeat(64) }),
  "same-plan-again": (life: Life) => offer(life, { attempt: 2 }),
  "clock-back": ({ time }: Life) => void (time.wallMs -= 40 * 86_400_000),
  "clock-forth": ({ time }: Life) => void (time.wallMs += 40 * 86_400_000),
  "operator-away": ({ world }: Life) => void (world.slotHeld = "unknown"),
  "operator-back": ({ world }: Life) => void (world.slotHeld = true),
  "disk-full": ({ world }: Life) => void (world.fullDiskWrites = 5),
  "foreign-cordon": ({ world }: Life) => {
    if (world.node.unschedulable) return;
    world.node.unschedulable = true;
    world.isCordonOurs = false;
    world.events.push("foreign cordon");
  },
  "foreign-uncordon": ({ world }: Life) => {
    if (!world.node.unschedulable) return;
    world.node.unschedulable = false;
    world.events.push("foreign uncordon");
  },
  "node-not-ready": ({ world }: Life) => void (world.node.ready = false),
  "node-ready": ({ world }: Life) => void (world.node.ready = true),
  "drain-fails": ({ world }: Life) => void (world.drain = "fails"),
} as const satisfies Readonly<Record<string, (life: Life) => "kill" | "power-cut" | void>>;

type EventName = keyof typeof EVENTS;
const NAMES = Object.keys(EVENTS) as readonly EventName[];

const course = record({
  events: array(record({ at: integer({ min: 1, max: 90 }), event: constantFrom(...NAMES) }), { maxLength: 5 }),
  imageBoots: constantFrom("well", "well", "falls-back"),
  upgradeContainer: constantFrom("suc-upgrade", "suc-upgrade", "fails", "hangs", "installs-live"),
  prepareContainer: constantFrom("works", "works", "works", "fails"),
  pull: constantFrom("works", "works", "works", "away", "refused"),
  drain: constantFrom("works", "works", "works", "fails"),
  checks: option(constantFrom("fails"), { freq: 5 }),
  isCordoned: constantFrom(false, false, true),
  force: constantFrom(false, false, true),
});

type Course = typeof course extends { generate: (...args: never[]) => { value: infer Value } } ? Value : never;

async function run(told: Course): Promise<World> {
  const { events, checks, isCordoned, force, ...rest } = told;
  const failing = [{ name: "10-check", failure: "ended with 1", output: "" }];
  const world = createWorld({
    ...rest,
    checks: checks === null ? [] : failing,
    node: { unschedulable: isCordoned, ready: true, bootId: "boot-1", exists: true },
  });
  const life = createLife(world);
  life.onPoint = (_point, count) => {
    // A ready node and an operator come again some time: this is about what is done meanwhile.
    if (count > 120) {
      world.node.ready = true;
      if (world.slotHeld === "unknown") world.slotHeld = true;
    }
    let death: "kill" | "power-cut" | undefined;
    for (const { at, event } of events) {
      if (at === count) death = (EVENTS[event](life) as typeof death) ?? death;
    }
    return death;
  };
  await live(life, orderOf({ force }));
  return world;
}

function check(world: World, told: Course): void {
  const journal = readJournal(world.disk ?? "");
  const { events } = world;
  const course = events.join(", ");
  checkEnd(world, journal, course);
  checkOnce(events, course);
  if (told.drain === "fails" && !told.force) expect(events, course).not.toContain("started ros-agent-upgrade");
  checkCordon(world, journal, told, course);
  checkImages(world, journal, course);
}

/** Nothing that was brought stays, but for whoever is to get another slot; and the journal knows of it. */
function checkImages({ images }: World, journal: Journal, course: string): void {
  const kept = journal.history[0]?.reason?.code === "UPGRADE_SLOT_LOST";
  const remembered = journal.images.map(({ reference }) => reference);
  if (!kept) expect([...images.keys()], course).toEqual([]);
  for (const image of images.keys()) expect(remembered, course).toContain(image);
}

/** The journal rests, nothing runs, and what the ending says is the case. */
function checkEnd({ containers, slots, events }: World, journal: Journal, course: string): void {
  const [last] = journal.history;
  expect(journal.run, course).toBeUndefined();
  expect([...containers], course).toEqual([]);
  expect(last, course).toBeDefined();
  for (const { phase } of journal.history) expect(Object.keys(PHASES)).toContain(phase);
  const runs = slots.runs === "active" ? slots.active : slots.passive;
  if (last?.phase === "Succeeded") expect(runs, course).toBe(NEW_RELEASE);
  if (last?.phase === "Idle" && journal.history.length === 1) expect(events, course).not.toContain("switched");
}

/** Never two containers of one name, nothing evicted twice, no digest tried again by itself. */
function checkOnce(events: readonly string[], course: string): void {
  expect(
    events.filter((event) => event.startsWith("removed")),
    course,
  ).toEqual([]);
  const evicted = events.filter((event) => event.startsWith("evicted"));
  expect(new Set(evicted).size, course).toBe(evicted.length);
  const fellBack = events.indexOf("boot passive");
  if (fellBack >= 0) expect(events.slice(fellBack), course).not.toContain("switched");
}

function checkCordon({ node, events, slots }: World, journal: Journal, { isCordoned }: Course, course: string): void {
  const foreign = events.indexOf("foreign cordon");
  const isForeign = isCordoned || foreign >= 0;
  // Somebody else's, where he was first and nobody else took it away, stays.
  const isFirst = isCordoned || (foreign >= 0 && !events.slice(0, foreign).includes("cordon"));
  if (isFirst && !events.includes("foreign uncordon")) expect(node.unschedulable, course).toBe(true);
  // Our own does not, unless the new operating system is not fit for pods.
  const isUnfit = journal.history[0]?.phase === "Failed" && slots.active === NEW_RELEASE;
  if (isForeign || isUnfit || !events.includes("cordon")) return;
  expect(node.unschedulable, course).toBe(false);
  expect(journal.cordon, course).toBe("none");
}

describe("an upgrade, whatever comes up", () => {
  it("comes to an end, and never does what it must not", async () => {
    const seed = Number(process.env["UPGRADE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const property = asyncProperty(course, async (told) => check(await run(told), told));
    await assert(property, { numRuns: 150, seed });
  });
});
