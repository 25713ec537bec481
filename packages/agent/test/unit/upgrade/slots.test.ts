/** Upgrades on a machine that has two slots of our own installation. */
import { describe, expect, it } from "vitest";
import type { Plan } from "@rancheros/protocol/upgrade";

import { configAtStart } from "../../../src/upgrade/config-at-start.ts";
import { judgeTrial } from "../../../src/upgrade/judge-trial.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live } from "./machine-life.ts";
import { machinePorts } from "./machine-ports.ts";
import { createWorld, NEW_RELEASE, OLD_RELEASE, orderOf, type World } from "./machine-world.ts";
import { ownSlots, type OwnSlots } from "./own-slots.ts";

async function upgraded(slots: Partial<OwnSlots> = {}, plan: Partial<Plan> = {}, changes: Partial<World> = {}) {
  const life = createLife(createWorld({ ours: ownSlots(OLD_RELEASE, slots), ...changes }));
  await live(life, orderOf({ prepare: undefined, ...plan }));
  const journal = readJournal(life.world.disk ?? "");
  const [last] = journal.history;
  return { world: life.world, journal, phase: last?.phase, reason: last?.reason, message: last?.message };
}

describe("an upgrade into a slot", () => {
  it("writes it while the node works on, drains, tries it, and goes on when the boot check has found it good", async () => {
    const { world, phase, journal } = await upgraded();
    expect(phase).toBe("Succeeded");
    expect(world.events).toEqual([
      "wrote b",
      "cordon",
      "evicted web-0",
      "evicted web-1",
      "drained",
      "try b",
      "boot b",
      "uncordon",
    ]);
    expect(world.ours).toMatchObject({ runs: "b", good: "b", try: undefined, trials: 1 });
    expect(journal).toMatchObject({ cordon: "none", failedDigests: [], images: [] });
  });

  it("comes back with the reason where the new one does not start, and does not try the image again", async () => {
    const { world, phase, reason, journal } = await upgraded({ trial: "panics" });
    expect(phase).toBe("RolledBack");
    expect(reason).toEqual({
      code: "UPGRADE_FELL_BACK",
      message: "the machine is back in slot a: slot b did not come up (panic, hang or power cut)",
    });
    expect(world.ours).toMatchObject({ runs: "a", good: "a", trials: 1 });
    expect(world.node.unschedulable).toBe(false);
    expect(journal.failedDigests).toHaveLength(1);
  });

  it("comes back with what the boot check said where the checks fail", async () => {
    const { phase, reason } = await upgraded({ trial: "fails-checks" });
    expect(phase).toBe("RolledBack");
    expect(reason?.message).toMatch(
      /^the machine is back in slot a: the health checks of slot b failed: a\.service has failed$/,
    );
  });

  it("waits for the boot check also where that takes longer than the plan allows, and comes back where it fails", async () => {
    const plan = { cloudConfig: "C2", timeoutSeconds: 25, drain: undefined };
    const { world, phase, reason } = await upgraded({ trial: "fails-checks-late" }, plan, { cloudConfig: "C1" });
    expect([phase, reason?.code]).toEqual(["RolledBack", "UPGRADE_FELL_BACK"]);
    expect(world).toMatchObject({ cloudConfig: "C1", ours: { runs: "a", good: "a", try: undefined } });
  });

  it("leaves no trial behind that the boot loader could not cross out", async () => {
    const { world, phase } = await upgraded({ trial: "not-written-down" });
    expect(phase).toBe("RolledBack");
    expect(world.ours).toMatchObject({ runs: "a", good: "a", try: undefined, trials: 0 });
  });

  it("drains nobody where what the image brings has no room, says how much that is, and may be asked again", async () => {
    const { world, phase, reason, journal } = await upgraded({ stateIsFull: true });
    expect(phase).toBe("Failed");
    expect(reason).toEqual({
      code: "SLOT_STATE_FULL",
      message: "the image brings 300 MiB for /var and what else outlives a slot, and 0 MiB are free",
    });
    expect(world.events).toEqual(["wrote b"]);
    expect(world.ours).toMatchObject({ runs: "a", good: "a", try: undefined, trials: 0 });
    expect(journal.failedDigests).toEqual([]);
  });

  it("asks for the restart again where that fails, and goes on when it comes", async () => {
    const { world, phase } = await upgraded({ failedRestarts: 3 });
    expect(phase).toBe("Succeeded");
    expect(world.ours).toMatchObject({ runs: "b", good: "b", try: undefined, trials: 1 });
  });

  it("calls the trial off where no restart can be asked for, so that no later one changes the operating system", async () => {
    const { world, phase, reason, journal } = await upgraded({ failedRestarts: Infinity });
    expect([phase, reason?.code]).toEqual(["Failed", "SLOT_NO_RESTART"]);
    expect(world.ours).toMatchObject({ runs: "a", good: "a", try: undefined, trials: 0 });
    expect(journal).toMatchObject({ cordon: "none", failedDigests: [] });
    expect(world.node.unschedulable).toBe(false);
    const [last] = journal.history;
    expect(((last?.endedMs ?? 0) - (last?.startedMs ?? 0)) / 60_000).toBeGreaterThan(15);
  });

  it("keeps pods away where nobody can say that no restart comes any more", async () => {
    const { world, reason, journal } = await upgraded({ failedRestarts: Infinity }, {}, { hasLogind: false });
    expect(reason?.code).toBe("SLOT_NO_RESTART");
    expect(world.ours?.try).toBeUndefined();
    expect(journal.cordon).toBe("ours");
    expect(world.node.unschedulable).toBe(true);
  });

  it("calls the trial off also where a restart was asked for and does not come", async () => {
    const { world, phase, reason } = await upgraded({ forgetsRestarts: true });
    expect([phase, reason?.code]).toEqual(["Failed", "UPGRADE_NO_REBOOT"]);
    expect(world.ours).toMatchObject({ runs: "a", good: "a", try: undefined, trials: 0 });
  });

  it.each<[string, Partial<OwnSlots>]>([
    ["that may be armed", { failedTries: Infinity, failedForgets: 3 }],
    ["whose restart does not come", { forgetsRestarts: true, failedForgets: 3 }],
  ])("calls a trial off again where the boot loader cannot be told at once: one %s", async (_what, slots) => {
    const { world, phase } = await upgraded(slots, { cloudConfig: "C2" }, { cloudConfig: "C1" });
    expect(phase).toBe("Failed");
    expect(world).toMatchObject({ ours: { runs: "a", try: undefined, trials: 0 }, cloudConfig: "C1" });
    expect(world.node.unschedulable).toBe(false);
  });

  it.each<[string, Partial<OwnSlots>, string]>([
    ["that may be armed", { failedTries: Infinity }, "SLOT_ENVIRONMENT_UNSAVED"],
    ["whose restart does not come", { forgetsRestarts: true }, "UPGRADE_NO_REBOOT"],
  ])("keeps pods away, and the plan's cloud config, where a trial stays armed: one %s", async (_what, slots, code) => {
    const broken = { ...slots, failedForgets: Infinity };
    const { world, reason, journal } = await upgraded(broken, { cloudConfig: "C2" }, { cloudConfig: "C1" });
    expect(reason?.code).toBe(code);
    expect(world).toMatchObject({ ours: { runs: "a", try: "b" }, cloudConfig: "C2" });
    expect(world.node.unschedulable).toBe(true);
    expect(journal.cordon).toBe("ours");
  });

  it("comes back with its verdict where the boot loader cannot be told, and keeps pods away from another trial", async () => {
    const broken = { trial: "not-written-down", failedForgets: Infinity } as const;
    const { world, phase } = await upgraded(broken, { cloudConfig: "C2" }, { cloudConfig: "C1" });
    expect(phase).toBe("RolledBack");
    expect(world).toMatchObject({ ours: { runs: "a", try: "b" }, cloudConfig: "C2" });
    expect(world.node.unschedulable).toBe(true);
  });

  it("goes the image's own way where it brings one", async () => {
    const { world } = await upgraded({ bringsOwnWay: true }, {}, { upgradeContainer: "fails-for-certain" });
    expect(world.events).toContain("started ros-agent-upgrade");
    expect(world.ours).toMatchObject({ runs: "a", good: "a", trials: 0 });
  });

  it("goes the plan's own way where it names one", async () => {
    const own = {
      image: "example.com/os@sha256:" + "1".repeat(64),
      command: ["/x"],
      args: undefined,
      env: {},
      volumes: [],
      securityContext: undefined,
    };
    const { world } = await upgraded({}, { upgrade: own }, { upgradeContainer: "fails-for-certain" });
    expect(world.events).not.toContain("wrote b");
    expect(world.events).toContain("started ros-agent-upgrade");
  });

  it("is what an operator means who names the usual command, and nobody who gives it arguments", async () => {
    const { upgrade } = orderOf().plan;
    const usual = { ...upgrade, command: ["/usr/sbin/suc-upgrade"] };
    const { world } = await upgraded({}, { upgrade: usual });
    expect(world.events).toContain("wrote b");
    const own = await upgraded({}, { upgrade: { ...usual, args: ["--x"] } }, { upgradeContainer: "fails-for-certain" });
    expect(own.world.events).not.toContain("wrote b");
  });

  it("has nothing to do where the image runs, but for its cloud config", async () => {
    const content = { a: NEW_RELEASE, b: "torn" };
    const same = await upgraded({ content });
    expect([same.phase, same.message, same.world.events]).toEqual(["Succeeded", "this image runs already", []]);
    const config = await upgraded({ content }, { cloudConfig: "hostname: m2" });
    expect([config.phase, config.world.cloudConfig, config.world.events]).toEqual(["Succeeded", "hostname: m2", []]);
  });

  it("refuses an older image, after which the slot is not tried", async () => {
    const { phase, reason, world } = await upgraded({ content: { a: "IMAGE=example.com/os:v2.0.0\n", b: "torn" } });
    expect([phase, reason?.code]).toEqual(["Failed", "UPGRADE_DOWNGRADE"]);
    expect(world.ours).toMatchObject({ try: undefined, trials: 0 });
  });

  it("puts the plan's cloud config in its place before the slot is tried", async () => {
    const { world } = await upgraded({}, { cloudConfig: "hostname: m3" });
    expect(world.cloudConfig).toBe("hostname: m3");
  });

  it.each<[string, Partial<OwnSlots>, string | undefined, string | undefined]>([
    ["a text by another", { trial: "panics" }, "hostname: m1", "hostname: m3"],
    ["a text by none", { trial: "fails-checks" }, "hostname: m1", undefined],
    ["none by a text", { trial: "panics" }, undefined, "hostname: m3"],
    ["a text that the boot loader never tried", { trial: "not-written-down" }, "hostname: m1", "hostname: m3"],
    ["a text where no restart comes", { failedRestarts: Infinity }, "hostname: m1", "hostname: m3"],
  ])("takes the cloud config back where it falls back: %s", async (_what, slots, cloudConfig, planned) => {
    const { world } = await upgraded(slots, { cloudConfig: planned }, { cloudConfig });
    expect(world.ours?.runs).toBe("a");
    expect(world).toMatchObject({ cloudConfig, cloudConfigBefore: undefined });
    // Before it is applied, but where the boot loader would try the slot once more, with that of before.
    expect(world.appliedConfig).toBe(slots.trial === "not-written-down" ? planned : cloudConfig);
  });

  it("leaves the cloud config alone at a start where no journal says that a trial was on", async () => {
    const life = createLife(createWorld({ ours: ownSlots(OLD_RELEASE), cloudConfig: "C2", cloudConfigBefore: "C1" }));
    const { host, journalFile, slots } = machinePorts(life, {
      die: () => Promise.reject(new Error("dead")),
      isDead: () => false,
    });
    if (slots === undefined) throw new Error("no slots");
    await configAtStart({ host, journalFile, slots }, () => undefined);
    expect(life.world).toMatchObject({ cloudConfig: "C2", cloudConfigBefore: "C1" });
    life.world.disk = "no journal";
    await expect(configAtStart({ host, journalFile, slots }, () => undefined)).rejects.toMatchObject({
      code: "UPGRADE_JOURNAL_BROKEN",
    });
    expect(life.world).toMatchObject({ cloudConfig: "C2", cloudConfigBefore: "C1" });
  });

  it("leaves a cloud config alone that somebody has changed by hand since", async () => {
    const life = createLife(
      createWorld({ ours: ownSlots(OLD_RELEASE, { trial: "panics" }), cloudConfig: "hostname: m1" }),
    );
    life.onPoint = (point) => {
      if (point === "slots-restart:before") life.world.cloudConfig = "hostname: by-hand";
      return undefined;
    };
    await live(life, orderOf({ prepare: undefined, cloudConfig: "hostname: m3" }));
    expect(life.world).toMatchObject({ cloudConfig: "hostname: by-hand", cloudConfigBefore: undefined });
  });

  it("keeps the cloud config of before while the new operating system runs and is not well, and no older one after that", async () => {
    const checks = [{ name: "10-check", failure: "ended with 1", output: "" }];
    const { world, phase } = await upgraded({}, { cloudConfig: "C2" }, { cloudConfig: "C1", checks });
    expect(phase).toBe("Failed");
    expect(world).toMatchObject({ cloudConfig: "C2", cloudConfigBefore: "C1", ours: { runs: "b" } });
    Object.assign(world, { checks: [], ours: ownSlots(OLD_RELEASE, { trial: "panics" }) });
    await live(createLife(world), orderOf({ attempt: 2, retry: true, prepare: undefined, cloudConfig: "C2" }));
    expect(readJournal(world.disk ?? "").history[0]?.phase).toBe("RolledBack");
    expect(world).toMatchObject({ cloudConfig: "C2", cloudConfigBefore: undefined });
  });

  it("tries nothing where the cloud config cannot be changed, and gives the node back", async () => {
    const { world, reason } = await upgraded({ isOemReadOnly: true }, { cloudConfig: "C2" }, { cloudConfig: "C1" });
    expect(reason?.code).toBe("SLOT_WRITE_FAILED");
    expect(world).toMatchObject({
      cloudConfig: "C1",
      cloudConfigBefore: undefined,
      ours: { runs: "a", try: undefined },
    });
    expect(world.node.unschedulable).toBe(false);
  });
});

describe("the verdict on a trial", () => {
  const switched = {
    bootId: "x",
    rebootRequests: 1,
    runs: 1,
    boots: 1,
    startedFrom: "a",
    runsOld: true,
    isConfirmed: false,
  } as const;
  const arrival = { target: "b", slot: "a", trace: undefined } as const;

  it("tries again where nobody knows whether the power went before or after", () => {
    expect(judgeTrial({ ...switched, rebootRequests: 0 }, arrival)).toEqual({ kind: "try-again" });
  });

  it("gives up on a machine that restarts for ever, whichever slot it is in", () => {
    for (const slot of ["a", "b"] as const) {
      expect(judgeTrial({ ...switched, boots: 6 }, { ...arrival, slot })).toMatchObject({
        kind: "failed",
        code: "UPGRADE_REBOOTS_AGAIN",
      });
    }
  });
});
