/** A plan that is changed while it is carried out, in what is no part of its name: its drain, its time, its accounts. */
import type { Plan } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";

import type { FaultPoint } from "../../../src/upgrade/fault-points.ts";
import { enter, startRun } from "../../../src/upgrade/journal-edits.ts";
import { EMPTY_JOURNAL, type Journal } from "../../../src/upgrade/journal.ts";
import { judgeOrder } from "../../../src/upgrade/judge-order.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { ended } from "./ended-upgrade.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, orderOf, planOf, type World } from "./machine-world.ts";

interface Change {
  /** From the moment at which the first plan is here. */
  readonly afterMs: number;
  readonly plan: Partial<Plan>;
}

interface Scene {
  readonly world?: Partial<World>;
  readonly plan?: Partial<Plan>;
  readonly at?: FaultPoint;
  readonly changes: readonly Change[];
  /** When the drain is held no longer, and the operator has said that the slot is. */
  readonly lift?: { readonly afterMs: number };
  /** Counted from 1 over all lives. */
  readonly killAt?: number;
}

/** An operator that tells the newest plan to whoever asks. */
async function changed({ world: start, plan, at = "drain:before", changes, lift, killAt }: Scene) {
  const world = createWorld({ drain: "held", ...start });
  const life = createLife(world);
  const never = new AbortController().signal;
  const later = (ms: number, does: () => void): void => void life.time.sleep(ms, never).then(does, () => undefined);
  const stored: Plan[] = [];
  let order = orderOf(plan);
  let isBegun = false;
  life.onPoint = (point, count) => {
    if (point === at && !isBegun) {
      isBegun = true;
      for (const change of changes)
        later(change.afterMs, () => {
          order = orderOf({ ...plan, ...change.plan });
          void life.upgrades?.offer(order).then(
            () => stored.push(...(readJournal(world.disk ?? "").run === undefined ? [] : [planOnDisk(world)])),
            () => undefined,
          );
        });
      if (lift !== undefined) later(lift.afterMs, () => Object.assign(world, { drain: "works", slotHeld: true }));
    }
    if (count !== killAt) return undefined;
    // No timer outlives it, and the operator says it again.
    isBegun = false;
    return "kill";
  };
  await live(life, () => order);
  const drains = world.events.filter((event) => event.startsWith("drain for"));
  return { ...ended(world), drains, stored, points: world.reached.length };
}

function planOnDisk({ disk }: World): Plan {
  const { run } = readJournal(disk ?? "");
  if (run === undefined) throw new Error("nothing is under way");
  return run.order.plan;
}

const TWO_MINUTES = { force: true, timeout: "2m" };

describe("a drain that does not end", () => {
  it("begins anew by the time-out that it is given, and ends by that", async () => {
    const { phase, code, drains, stored } = await changed({
      changes: [{ afterMs: 60_000, plan: { drain: TWO_MINUTES } }],
    });
    expect({ phase, code }).toEqual({ phase: "Failed", code: "DRAIN_TIMED_OUT" });
    expect(drains).toEqual(["drain for 0 ms", "drain for 120000 ms"]);
    expect(stored).toEqual([planOf({ drain: TWO_MINUTES })]);
  });

  it("is gone on after where force comes later than the time-out, and the drain does not begin anew for that", async () => {
    const { phase, drains } = await changed({
      changes: [
        { afterMs: 60_000, plan: { drain: TWO_MINUTES } },
        { afterMs: 90_000, plan: { drain: TWO_MINUTES, force: true } },
      ],
    });
    expect(phase).toBe("Succeeded");
    expect(drains).toHaveLength(2);
  });

  it("is what a newer grant says, with all else that it says", async () => {
    const plan = { attempt: 2, drain: TWO_MINUTES, force: true, retry: true };
    const { phase, stored, journal } = await changed({ changes: [{ afterMs: 60_000, plan }] });
    expect({ phase, attempt: journal.history[0]?.subject.attempt }).toEqual({ phase: "Succeeded", attempt: 2 });
    expect(stored).toEqual([planOf(plan)]);
  });

  it("is none any more where the plan has none, and needs no cordon", async () => {
    const { phase, world } = await changed({
      changes: [{ afterMs: 60_000, plan: { drain: undefined, cordon: false } }],
    });
    expect(phase).toBe("Succeeded");
    expect(world.pods).toEqual(["web-0", "web-1"]);
    expect(world.node.unschedulable).toBe(false);
  });

  it("goes on where the same comes again in another order, and with other accounts, which are kept", async () => {
    const account = (token: number) => ({ registry: "example.com", username: "node", password: `token ${token}` });
    const changes = Array.from({ length: 20 }, (_, count): Change => {
      const drain = count % 2 === 0 ? { timeout: "1h", force: true } : { force: true, timeout: "1h" };
      return { afterMs: 10_000 * (count + 1), plan: { drain, credentials: [account(count)] } };
    });
    const { phase, drains, stored } = await changed({
      plan: { drain: { force: true, timeout: "1h" } },
      changes,
      lift: { afterMs: 300_000 },
    });
    expect(phase).toBe("Succeeded");
    expect(drains).toEqual(["drain for 3600000 ms"]);
    expect(stored.at(-1)?.credentials).toEqual([account(19)]);
  });

  it.each<[string, number, number, string | undefined]>([
    ["longer", 600, 3_000, undefined],
    ["shorter", 3_000, 600, "UPGRADE_TIMED_OUT"],
  ])("goes on for the %s time that the plan has by now", async (_what, before, after, code) => {
    const { drains, code: found } = await changed({
      plan: { timeoutSeconds: before },
      changes: [{ afterMs: 300_000, plan: { timeoutSeconds: after } }],
      lift: { afterMs: 1_200_000 },
    });
    expect({ found, drains }).toEqual({ found: code, drains: ["drain for 0 ms"] });
  });

  it("comes to the same end where the agent is killed at any point", async () => {
    const scene: Scene = { changes: [{ afterMs: 60_000, plan: { drain: TWO_MINUTES, force: true } }] };
    const { points } = await changed(scene);
    for (let killAt = 1; killAt <= points; killAt++) {
      const { phase, journal, world, drains } = await changed({ ...scene, killAt });
      const where = `killed at ${killAt}: ${world.events.join(", ")}`;
      expect({ phase, cordon: journal.cordon, unschedulable: world.node.unschedulable }, where).toEqual({
        phase: "Succeeded",
        cordon: "none",
        unschedulable: false,
      });
      expect(drains.at(-1), where).toBe("drain for 120000 ms");
    }
  });
});

describe("a prepare container", () => {
  it("is not run again where the plan comes to drain, which is done after it", async () => {
    const { phase, world } = await changed({
      world: { drain: "works" },
      plan: { cordon: false, drain: undefined },
      at: "container:before",
      changes: [{ afterMs: 10_000, plan: { drain: { force: true } } }],
    });
    expect(phase).toBe("Succeeded");
    expect(world.pods).toEqual([]);
    expect(world.events.filter((event) => event.includes("ros-agent-prepare"))).toEqual([
      "started ros-agent-prepare",
      "ros-agent-prepare 0",
    ]);
  });

  it("is neither ended nor begun anew where the plan has another time", async () => {
    const { phase, world } = await changed({
      world: { drain: "works" },
      // It would be over before the container is.
      plan: { timeoutSeconds: 15 },
      at: "container:before",
      changes: [{ afterMs: 10_000, plan: { timeoutSeconds: 7_200 } }],
    });
    expect(phase).toBe("Succeeded");
    expect(world.events.filter((event) => event.includes("ros-agent-prepare"))).toEqual([
      "started ros-agent-prepare",
      "ros-agent-prepare 0",
    ]);
  });

  it("is followed by the drain that the plan has come to ask for while the operator was asked for the slot", async () => {
    const { phase, world } = await changed({
      world: { drain: "works", slotHeld: "unknown" },
      plan: { cordon: false, drain: undefined, prepare: undefined },
      at: "pull:before",
      changes: [{ afterMs: 60_000, plan: { drain: { force: true } } }],
      lift: { afterMs: 120_000 },
    });
    expect(phase).toBe("Succeeded");
    expect(world.pods).toEqual([]);
  });
});

describe("a changed plan", () => {
  const now = { wallMs: Date.UTC(2026, 0, 1), bootId: "boot-1", uptimeMs: 1_000 };
  const inPhase = (phase: "Draining" | "Upgrading"): Journal => {
    const staging = enter(startRun(EMPTY_JOURNAL, orderOf({ attempt: 2 }), now), "Staging", now);
    const draining = enter(staging, "Draining", now);
    return phase === "Draining" ? draining : enter(draining, "Upgrading", now);
  };

  it("is no news from the switch on, nor where it is that of an earlier grant", () => {
    const drain = { timeout: "1m" };
    expect(judgeOrder(inPhase("Draining"), orderOf({ attempt: 2, drain })).kind).toBe("adopt");
    expect(judgeOrder(inPhase("Draining"), orderOf({ attempt: 1, drain })).kind).toBe("known");
    expect(judgeOrder(inPhase("Draining"), orderOf({ attempt: 2 })).kind).toBe("known");
    expect(judgeOrder(inPhase("Upgrading"), orderOf({ attempt: 2, drain })).kind).toBe("known");
    expect(judgeOrder(inPhase("Upgrading"), orderOf({ attempt: 3, drain })).kind).toBe("adopt");
  });

  it("is that of another grant only where it comes after the switch", async () => {
    const { journal, stored } = await changed({
      world: { drain: "works", upgradeContainer: "installs-live" },
      plan: { prepare: undefined },
      at: "container:before",
      changes: [{ afterMs: 1_000, plan: { attempt: 2, drain: TWO_MINUTES, force: true } }],
    });
    expect(stored).toEqual([planOf({ prepare: undefined, attempt: 2 })]);
    expect(journal.history[0]?.subject.attempt).toBe(2);
  });
});
