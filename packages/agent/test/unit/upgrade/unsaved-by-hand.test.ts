/** An upgrade by hand on a disk that takes no journal any more: who waits for it is told when its time is over. */
import { expect, it } from "vitest";

import { openUpgrades } from "../../../src/upgrade/upgrade.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { workByHand } from "../../../src/work-by-hand.ts";
import { machinePorts } from "./machine-ports.ts";
import { createWorld, orderOf, type World } from "./machine-world.ts";
import { createVirtualTime } from "./virtual-time.ts";

const TIMEOUT_S = 600;
const NEVER = new AbortController().signal;

/** @param atPoint  what becomes of the machine at that point of the upgrade */
async function upgradeByHand(world: World, atPoint: Readonly<Record<string, () => void>>) {
  const time = createVirtualTime();
  const ports = machinePorts({ world, time }, { die: () => new Promise(() => undefined), isDead: () => false });
  const reach = (point: string): Promise<void> => {
    atPoint[point]?.();
    return Promise.resolve();
  };
  const upgrades = await openUpgrades(ports, { log: () => undefined, reach });
  const { plan } = orderOf({ timeoutSeconds: TIMEOUT_S, prepare: undefined });
  await upgrades.offer({ plan, isByHand: true, keepsCloudConfig: true });
  const begunMs = time.uptimeMs;
  const ended = await time.until(
    workByHand({ machine: ports, upgrades }, NEVER, () => undefined).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  return { ended, tookS: (time.uptimeMs - begunMs) / 1000, journal: readJournal(world.disk ?? "") };
}

it.each(["pull:before", "cordon:before", "cordon:after", "drain:after"])(
  "ends with the time of the order, and its cordon is taken back, where it is full from %s on",
  async (point) => {
    const world = createWorld();
    const { ended, tookS, journal } = await upgradeByHand(world, {
      [point]: () => (world.fullDiskWrites = Infinity),
    });
    expect(ended).toMatchObject({ code: "UPGRADE_JOURNAL_UNSAVED" });
    expect(String(ended)).toContain(`${TIMEOUT_S} s`);
    expect(tookS).toBeGreaterThanOrEqual(TIMEOUT_S);
    expect(tookS).toBeLessThan(TIMEOUT_S + 60);
    expect(world.node.unschedulable).toBe(false);
    expect(world.events).not.toContain("switched");
    // The next agent puts the rest in order.
    expect(journal.run?.order.isByHand).toBe(true);
  },
);

it("says that the node may stay cordoned where the API server does not answer either", async () => {
  const world = createWorld();
  const { ended } = await upgradeByHand(world, {
    "drain:after": () => {
      world.fullDiskWrites = Infinity;
      world.apiServer = "away";
    },
  });
  expect(ended).toMatchObject({ code: "UPGRADE_JOURNAL_UNSAVED" });
  expect(String(ended)).toContain("the node may still be cordoned: the API server does not answer");
  expect(world.node.unschedulable).toBe(true);
});

it("leaves a cordon of somebody else's alone", async () => {
  const world = createWorld();
  const { ended } = await upgradeByHand(world, {
    "drain:after": () => {
      world.fullDiskWrites = Infinity;
      world.isCordonOurs = false;
    },
  });
  expect(ended).toMatchObject({ code: "UPGRADE_JOURNAL_UNSAVED" });
  expect(world.node.unschedulable).toBe(true);
  expect(world.events).not.toContain("uncordon");
});

it("goes on where there is room again before the time is over", async () => {
  const world = createWorld({ drain: "fails" });
  const { ended, journal } = await upgradeByHand(world, { "cordon:after": once(() => (world.fullDiskWrites = 6)) });
  expect(world.fullDiskWrites).toBeLessThan(0);
  expect(ended).toBeUndefined();
  expect(journal.history[0]).toMatchObject({ phase: "Failed", reason: { code: "TEST_REFUSED" } });
});

it("ends as any other that has timed out where the disk takes the journal again by then", async () => {
  const world = createWorld({ pull: "away" });
  const { ended, journal } = await upgradeByHand(world, { "pull:before": once(() => (world.fullDiskWrites = 1)) });
  expect(world.fullDiskWrites).toBeLessThan(0);
  expect(ended).toBeUndefined();
  expect(journal.history[0]).toMatchObject({ phase: "Failed", reason: { code: "UPGRADE_TIMED_OUT" } });
});

it("is waited for however long after the switch, which nobody can take back", async () => {
  const world = createWorld({ upgradeContainer: "fails-for-certain" });
  const { ended, tookS, journal } = await upgradeByHand(world, {
    "container:after": once(() => (world.fullDiskWrites = 30)),
  });
  expect(ended).toBeUndefined();
  expect(tookS).toBeGreaterThan(TIMEOUT_S + 60);
  expect(journal.history[0]).toMatchObject({ phase: "Failed" });
});

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
