/** A rollback that was asked for by hand and waits for the restart, and an upgrade that comes meanwhile. */
import { describe, expect, it } from "vitest";

import { cancelRollback, rollback, type RollbackSession } from "../../../src/agent-session.ts";
import { EMPTY_JOURNAL } from "../../../src/upgrade/journal.ts";
import { readJournal, writeJournal } from "../../../src/upgrade/read-journal.ts";
import type { SlotPort } from "../../../src/upgrade/rollback.ts";
import { statusOf } from "../../../src/upgrade/status.ts";
import { openUpgrades } from "../../../src/upgrade/upgrade.ts";
import { createLife, live, type Life } from "./machine-life.ts";
import { machinePorts } from "./machine-ports.ts";
import { createWorld, OLD_RELEASE, orderOf, type World } from "./machine-world.ts";
import { ownSlots } from "./own-slots.ts";

const BEFORE = "IMAGE=example.com/os:v0.9.0\n";
const ORDER = orderOf({ prepare: undefined, drain: undefined, cordon: false });

/** Somebody has said `ros-agent rollback` in the first boot. */
function asked(changes: Partial<World> = {}): Life {
  const ours = ownSlots(OLD_RELEASE, { content: { a: OLD_RELEASE, b: BEFORE }, try: "b" });
  const entry = "ours" in changes ? "fallback" : "slot b";
  const disk = writeJournal({ ...EMPTY_JOURNAL, rollback: { entry, bootId: "boot-1", askedMs: 1 } });
  return createLife(createWorld({ ours, disk, ...changes }));
}

/** As soon as the upgrade says that it waits for the rollback. @returns what the operator is told then */
function whenItWaits(life: Life, what: () => "power-cut" | undefined): () => unknown {
  let told: unknown;
  life.onPoint = () => {
    const journal = readJournal(life.world.disk ?? "");
    if (told !== undefined || journal.run?.lastError?.code !== "UPGRADE_ROLLBACK_WAITS") return undefined;
    told = statusOf(journal, "boot-1");
    return what();
  };
  return () => told;
}

const last = ({ world }: Life) => readJournal(world.disk ?? "").history[0];

describe("an upgrade by the operator", () => {
  it("waits for the restart into the slot of the rollback, says so, and comes after its boot check", async () => {
    const life = asked();
    const told = whenItWaits(life, () => "power-cut");
    await live(life, ORDER);
    expect(told()).toMatchObject({ phase: "Granted", reason: "UPGRADE_ROLLBACK_WAITS" });
    expect(told()).toMatchObject({ message: expect.stringContaining("slot b starts at its next restart") as string });
    expect(life.world.events).toEqual(["boot b", "wrote a", "try a", "boot a"]);
    expect(life.world.ours).toMatchObject({ runs: "a", good: "a", content: { b: BEFORE } });
    expect(last(life)?.phase).toBe("Succeeded");
    expect(readJournal(life.world.disk ?? "").rollback).toBeUndefined();
  });

  it("ends with its time where nobody restarts the machine, and leaves the rollback as it was", async () => {
    const life = asked();
    await live(life, ORDER);
    expect(last(life)).toMatchObject({ phase: "Failed", reason: { code: "UPGRADE_TIMED_OUT" } });
    expect(last(life)?.reason?.message).toContain("somebody has asked for a rollback on this machine");
    expect(life.world).toMatchObject({ events: [], ours: { try: "b", content: { b: BEFORE } } });
    expect(readJournal(life.world.disk ?? "")).toMatchObject({ rollback: { entry: "slot b" }, failedDigests: [] });
  });

  it("goes on at once where the boot loader was told otherwise by hand", async () => {
    const life = asked();
    if (life.world.ours !== undefined) life.world.ours.try = undefined;
    await live(life, ORDER);
    expect(life.world.events).toEqual(["wrote b", "try b", "boot b"]);
  });

  it("goes on where the restart has been, whatever came of it", async () => {
    const life = asked();
    life.world.boot = 2;
    await live(life, ORDER);
    expect(life.world.events).toEqual(["wrote b", "try b", "boot b"]);
  });

  it("waits on a machine of cOS' slots too, whose boot loader is not asked", async () => {
    const life = asked({ ours: undefined });
    const told = whenItWaits(life, () => "power-cut");
    await live(life, ORDER);
    expect(told()).toMatchObject({ reason: "UPGRADE_ROLLBACK_WAITS" });
    expect(life.world.events[0]).toBe("boot active");
    expect(last(life)?.phase).toBe("Succeeded");
  });
});

describe("whoever is at the machine", () => {
  const NOBODY: SlotPort = {
    other: () => Promise.resolve("slot b"),
    startNext: () => Promise.reject(new Error("the disk is read-only")),
    forgetNext: () => Promise.resolve(),
  };

  async function session(life: Life, slots: Partial<SlotPort> = {}): Promise<RollbackSession> {
    const never = (): never => {
      throw new Error("nobody dies here");
    };
    const ports = machinePorts(life, { die: never, isDead: () => false });
    const upgrades = await openUpgrades(ports, { log: () => undefined });
    const port = { ...NOBODY, startNext: () => Promise.resolve(), ...slots };
    return { machine: { host: ports.host, slots: port }, upgrades };
  }

  it("finds a rollback that failed in the journal while the boot loader may still start it, and else nothing of it", async () => {
    const free = (): Life => createLife(createWorld({ ours: ownSlots(OLD_RELEASE) }));
    const startNext = (): Promise<void> => Promise.reject(new Error("it may count at the next start all the same"));
    const stuck = await session(free(), { startNext, forgetNext: startNext });
    await expect(rollback(stuck, false)).rejects.toThrow("may count");
    expect(stuck.upgrades.journal().rollback).toMatchObject({ entry: "slot b" });
    const gone = await session(free(), { startNext });
    await expect(rollback(gone, false)).rejects.toThrow("may count");
    expect(gone.upgrades.journal().rollback).toBeUndefined();
  });

  it("is told at once that an upgrade by hand would take the place of the rollback, and may call that off", async () => {
    const life = asked();
    const here = await session(life, {
      async forgetNext() {
        await Promise.resolve();
        if (life.world.ours !== undefined) life.world.ours.try = undefined;
      },
    });
    const byHand = { ...ORDER, isByHand: true };
    await expect(here.upgrades.offer(byHand)).rejects.toMatchObject({ code: "UPGRADE_ROLLBACK_WAITS" });
    expect(await cancelRollback(here, true)).toEqual({ entry: "slot b" });
    expect(here.upgrades.journal().rollback).not.toBeUndefined();
    expect(await cancelRollback(here, false)).toEqual({ entry: "slot b" });
    expect(life.world.ours?.try).toBeUndefined();
    await expect(cancelRollback(here, false)).rejects.toMatchObject({ code: "UPGRADE_ROLLBACK_NOT_ASKED" });
    expect(await here.upgrades.offer(byHand)).toEqual({ kind: "start" });
  });

  it("may ask for it once more while an upgrade waits for it, and not while one is under way", async () => {
    const waits = await session(asked());
    await waits.upgrades.offer(ORDER);
    expect(await rollback(waits, false)).toEqual({ entry: "slot b" });
    const works = await session(createLife(createWorld({ ours: ownSlots(OLD_RELEASE) })));
    await works.upgrades.offer(ORDER);
    await expect(rollback(works, false)).rejects.toMatchObject({ code: "UPGRADE_UNDER_WAY" });
  });

  it("is refused where an upgrade begins while the other slot is looked at", async () => {
    const life = createLife(createWorld({ ours: ownSlots(OLD_RELEASE) }));
    const here: RollbackSession = await session(life, {
      other: async () => {
        await here.upgrades.offer(ORDER);
        return "slot b";
      },
    });
    await expect(rollback(here, false)).rejects.toMatchObject({ code: "UPGRADE_UNDER_WAY" });
    expect(here.upgrades.journal().rollback).toBeUndefined();
  });

  /** A disk takes a while to have what the boot loader is told. */
  const disk = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it("has an upgrade wait also where it begins while the boot loader is being told", async () => {
    const ours = ownSlots(OLD_RELEASE, { content: { a: OLD_RELEASE, b: BEFORE } });
    const life = createLife(createWorld({ ours }));
    const here: RollbackSession = await session(life, {
      async startNext() {
        await here.upgrades.offer(ORDER);
        await disk();
        ours.try = "b";
      },
    });
    const over = new AbortController();
    const work = here.upgrades.work(over.signal);
    await rollback(here, false);
    await disk();
    expect(here.upgrades.journal()).toMatchObject({
      rollback: { entry: "slot b" },
      run: { phase: "Granted", lastError: { code: "UPGRADE_ROLLBACK_WAITS" } },
    });
    expect(ours).toMatchObject({ try: "b", content: { b: BEFORE } });
    over.abort();
    await work;
  });

  it("calls a rollback off wholly, also where an upgrade that waited for it goes on meanwhile", async () => {
    const gone = {
      planId: "p",
      image: "os",
      attempt: 1,
      isByHand: false,
      osImage: "os",
      digest: `sha256:${"9".repeat(64)}`,
    };
    const succeeded = { subject: gone, phase: "Succeeded", reason: undefined, message: undefined } as const;
    const times = { startedMs: 1, endedMs: 2, bootId: "boot-0" };
    const ours = ownSlots(OLD_RELEASE, { content: { a: OLD_RELEASE, b: BEFORE } });
    const before = { ...EMPTY_JOURNAL, history: [{ ...succeeded, ...times }], lastSucceededPlan: "p" };
    const life = createLife(createWorld({ ours, disk: writeJournal(before) }));
    const here = await session(life, {
      async startNext() {
        await disk();
        ours.try = "b";
      },
      async forgetNext() {
        ours.try = undefined;
        life.time.uptimeMs += 60_000;
        await life.time.until(disk());
      },
    });
    await rollback(here, false);
    await here.upgrades.offer(ORDER);
    const over = new AbortController();
    const work = here.upgrades.work(over.signal);
    await disk();
    expect(here.upgrades.journal().run?.lastError?.code).toBe("UPGRADE_ROLLBACK_WAITS");
    await cancelRollback(here, false);
    expect(here.upgrades.journal()).toMatchObject({ ...before, rollback: undefined, run: { order: ORDER } });
    over.abort();
    await work;
  });

  it("has asked for nothing where the boot loader cannot be told", async () => {
    const here = await session(createLife(createWorld({ ours: ownSlots(OLD_RELEASE) })), NOBODY);
    const before = here.upgrades.journal();
    await expect(rollback(here, false)).rejects.toThrow("read-only");
    expect(here.upgrades.journal()).toEqual(before);
  });
});
