import { describe, expect, it } from "vitest";

import { bootCheck, type BootCheckOutside } from "../../../src/slots/boot-check.ts";
import {
  readBootCheckRecord,
  writeBootCheckRecord,
  type BootCheckRecord,
} from "../../../src/slots/boot-check-record.ts";
import { healthFailures, lookAtMachine, type SystemFacts } from "../../../src/slots/health.ts";
import { agentState, isOnlyWaitedFor } from "../../../src/slots/io/system-health.ts";
import type { SlotName } from "../../../src/slots/slot.ts";

interface World {
  readonly outside: BootCheckOutside;
  readonly good: () => SlotName;
  readonly records: BootCheckRecord[];
  readonly restarts: () => number;
}

/** A machine in slot b, on a clock that sleeping moves. */
function world(look: (uptimeMs: number) => readonly string[], good: SlotName = "a", isFull = false): World {
  let uptimeMs = 20_000;
  let present = good;
  let restarts = 0;
  const records: BootCheckRecord[] = [];
  const words = () => Promise.resolve({ good: present, try: undefined, reset: false, extra: "", unproven: undefined });
  const outside: BootCheckOutside = {
    slots: {
      started: () => ({ slot: "b", isTrial: present !== "b" }),
      words,
      async markGood(slot) {
        present = slot;
        await Promise.resolve();
      },
      stamp: () => Promise.resolve({ version: 1, reference: "r", digest: "sha256:b", writtenAt: "", files: 1 }),
    },
    look: () => Promise.resolve(look(uptimeMs)),
    record: (record) =>
      isFull ? Promise.reject(new Error("the disk is full")) : Promise.resolve(void records.push(record)),
    async restart() {
      restarts++;
      await Promise.resolve();
    },
    bootId: "boot-2",
    wallMs: () => 1_000,
    uptimeMs: () => uptimeMs,
    async sleep(delayMs) {
      uptimeMs += delayMs;
      await Promise.resolve();
    },
  };
  return { outside, good: () => present, records, restarts: () => restarts };
}

const options = {
  patienceMs: 60_000,
  steadyMs: 5_000,
  restarts: true,
  signal: new AbortController().signal,
  onLook: () => undefined,
};

describe("the boot check", () => {
  it("marks a slot good when all has been well for a while", async () => {
    const { outside, good, records } = world((uptimeMs) => (uptimeMs < 30_000 ? ["starting"] : []));
    expect(await bootCheck(outside, options)).toEqual({ kind: "marked-good", slot: "b", unsaved: undefined });
    expect(good()).toBe("b");
    expect(records).toMatchObject([{ slot: "b", digest: "sha256:b", outcome: "good", failures: [], bootId: "boot-2" }]);
  });

  it("does not mark what is well for a moment only, writes why, and restarts", async () => {
    let looks = 0;
    const { outside, good, records, restarts } = world(() =>
      looks++ % 2 === 0 ? [] : ["the unit x.service has failed"],
    );
    await expect(bootCheck(outside, options)).rejects.toThrow(/x\.service has failed/);
    expect([good(), restarts()]).toEqual(["a", 1]);
    expect(records).toMatchObject([{ outcome: "failed", failures: ["the unit x.service has failed"] }]);
  });

  it("restarts also where the disk takes no word of it", async () => {
    const { outside, restarts } = world(() => ["bad"], "a", true);
    await expect(bootCheck(outside, options)).rejects.toThrow(/could not be written down: the disk is full/);
    expect(restarts()).toBe(1);
  });

  it("restarts no slot that was not tried, as the next start would come back to it", async () => {
    const { outside, good, records, restarts } = world(() => ["bad"]);
    const slots = { ...outside.slots, started: () => ({ slot: "b" as const, isTrial: false }) };
    await expect(bootCheck({ ...outside, slots }, options)).rejects.toThrow(/slot b is not well: bad/);
    expect([good(), restarts()]).toEqual(["a", 0]);
    expect(records).toMatchObject([{ outcome: "failed" }]);
  });

  it("is content with a slot that is good where the disk is full, as the boot loader knows it then", async () => {
    const { outside, good, restarts } = world(() => [], "a", true);
    expect(await bootCheck(outside, options)).toMatchObject({
      kind: "marked-good",
      slot: "b",
      unsaved: expect.stringMatching(/./) as unknown,
    });
    expect([good(), restarts()]).toEqual(["b", 0]);
  });

  it("says that the disk took no word of a slot that is well, which is no panic and no power cut", async () => {
    const { outside, good, records, restarts } = world(() => []);
    const markGood = () => Promise.reject(new Error("/oem is full"));
    const check = bootCheck({ ...outside, slots: { ...outside.slots, markGood } }, options);
    await expect(check).rejects.toThrow("slot b cannot be marked good: /oem is full");
    expect([good(), restarts()]).toEqual(["a", 1]);
    expect(records).toMatchObject([{ slot: "b", digest: "sha256:b", outcome: "failed" }]);
    expect(records[0]?.failures).toEqual(["all is well, but slot b cannot be marked good: /oem is full"]);
    expect(outside.uptimeMs()).toBeGreaterThanOrEqual(options.patienceMs);
  });

  it("marks a slot good that the disk takes at the second attempt", async () => {
    const { outside, good, records, restarts } = world(() => []);
    let attempts = 0;
    const markGood = (slot: SlotName) =>
      attempts++ === 0 ? Promise.reject(new Error("EIO")) : outside.slots.markGood(slot);
    const verdict = await bootCheck({ ...outside, slots: { ...outside.slots, markGood } }, options);
    expect(verdict).toMatchObject({ kind: "marked-good", slot: "b" });
    expect([good(), restarts()]).toEqual(["b", 0]);
    expect(records).toMatchObject([{ outcome: "good", failures: [] }]);
  });

  it("marks no slot that does not say that it was written to its end", async () => {
    const stamps = [() => Promise.resolve(undefined), () => Promise.reject(new Error("no such file"))];
    for (const stamp of stamps) {
      const { outside, good, restarts } = world(() => []);
      await expect(bootCheck({ ...outside, slots: { ...outside.slots, stamp } }, options)).rejects.toThrow(
        /slot b does not say that it was written to its end/,
      );
      expect([good(), restarts()]).toEqual(["a", 1]);
    }
    const { outside, records } = world(() => []);
    const unreadable = { ...outside.slots, stamp: () => Promise.reject(new Error("the disk answers with EIO")) };
    await expect(bootCheck({ ...outside, slots: unreadable }, options)).rejects.toThrow(
      /its end: the disk answers with EIO/,
    );
    expect(records.at(-1)?.failures.join()).toContain("EIO");
  });

  it("leaves alone what is good already, and machines without slots", async () => {
    const { outside, records } = world(() => ["bad"], "b");
    expect(await bootCheck(outside, options)).toEqual({ kind: "already-good", slot: "b" });
    const without = { ...outside, slots: { ...outside.slots, started: () => undefined } };
    expect(await bootCheck(without, options)).toEqual({ kind: "no-slots" });
    expect(records).toEqual([]);
  });

  it("reads back what it wrote, and nothing else", () => {
    const record = {
      version: 1,
      slot: "b",
      digest: undefined,
      bootId: "x",
      at: "now",
      outcome: "failed",
      failures: ["a"],
    } as const;
    expect(readBootCheckRecord(writeBootCheckRecord(record))).toEqual(record);
    for (const bad of ["", "{}", "[]", "null", '{"version":2}', '{"version":1,"slot":"c"}']) {
      expect(readBootCheckRecord(bad)).toBeUndefined();
    }
  });
});

const well: SystemFacts = {
  state: "running",
  failedUnits: [],
  agentState: "active",
  targetState: "active",
  policyProblem: undefined,
  checks: [],
};

describe("a machine's health", () => {
  it.each<[Partial<SystemFacts>, readonly string[]]>([
    [{}, []],
    [{ failedUnits: ["a.service"], state: "degraded" }, ["the unit a.service has failed"]],
    [{ failedUnits: ["noise.service"], state: "degraded" }, []],
    [{ targetState: "inactive" }, ["the system is not up yet (multi-user.target is inactive)"]],
    [{ agentState: "activating" }, ["ros-agent.service is activating"]],
    [{ agentState: "not-found" }, ["ros-agent.service is not-found"]],
    [{ state: "maintenance" }, ["the system is maintenance"]],
    [
      {
        checks: [
          { name: "10-x", failure: "ended with 1", output: "no\n" },
          { name: "20", failure: undefined, output: "" },
        ],
      },
      ["the check 10-x ended with 1: no"],
    ],
  ])("is judged by %o", (change, expected) => {
    expect(healthFailures({ ...well, ...change }, ["noise.service"])).toEqual(expected);
  });
});

describe("a look at a machine", () => {
  const { checks, ...facts } = well;
  const parts = {
    facts: () => Promise.resolve(facts),
    runChecks: () => Promise.resolve(checks),
    readPolicies: () => Promise.resolve([]),
    ignoredUnits: [],
  };

  it("finds that a system whose image policy cannot be read would take no image any more", async () => {
    const problem = new Error("/usr/lib/rancheros/image-policy.yaml: is no YAML");
    const found = await lookAtMachine({ ...parts, readPolicies: () => Promise.reject(problem) }, options.signal);
    expect(found).toEqual([`no image could come: ${problem.message}`]);
    expect(await lookAtMachine(parts, options.signal)).toEqual([]);
  });
});

describe("what systemd prints", () => {
  it.each([
    ["LoadState=loaded\nActiveState=active", "active"],
    ["LoadState=loaded\nActiveState=inactive", "inactive"],
    ["LoadState=not-found\nActiveState=inactive", "not-found"],
    ["LoadState=masked\nActiveState=inactive", "masked"],
    ["unknown", "unknown"],
    ["", "unknown"],
  ])("of the agent's unit, %j, is read as %s", (properties, expected) => {
    expect(agentState(properties)).toBe(expected);
  });

  const own = "  7 ros-agent-boot-check.service start running";
  const up = "  1 multi-user.target start waiting";
  const registers = "  3 ros-agent-register.service start running";
  it.each([
    [[own, up], true],
    [[own, up, "  9 graphical.target start waiting"], true],
    [[own, up, "  9 k3s.service start running"], false],
    // No operator is there yet, and it is not the slot's fault.
    [[own, up, registers, "  9 k3s.service start waiting", "  8 ros-agent-join.service start waiting"], true],
    // Between two attempts, where systemd ends the start of the registration's unit with each.
    [[own, up, "  4 ros-agent-registered.service start running", "  9 k3s.service start waiting"], true],
    [[own, up, registers, "  9 sshd.service start running"], false],
    [[up, registers, "  7 ros-agent-boot-check.service start waiting"], false],
    // The target is not waited for: it is not to come at all, or has failed.
    [[own], false],
    [[own, "  9 emergency.target start waiting"], false],
    [[up], false],
    [[], false],
  ])("of its jobs, %j, says whether it waits for the check alone: %s", (jobs, expected) => {
    expect(isOnlyWaitedFor(jobs.join("\n"), "ros-agent-boot-check.service")).toBe(expected);
  });
});
