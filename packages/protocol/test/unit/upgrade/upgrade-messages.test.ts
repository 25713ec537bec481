import { randomBytes } from "node:crypto";
import { AttestationMessageError, openSessionSeal, sealForSession } from "@rancheros/protocol/attestation";
import { machineInventory } from "@rancheros/protocol/resources";
import {
  isTerminal,
  mayFollow,
  PHASE_NAMES,
  PHASES,
  readPlanAnswer,
  readStatusAnswer,
  readUpgradeStatus,
  writePlanAnswer,
  writeStatusAnswer,
  writeUpgradeStatus,
  type PlanAnswer,
} from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";

import { validPlan as PLAN, validPlanAnswer as ANSWER } from "../../../../../test/fuzz/upgrade-vectors.ts";

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof AttestationMessageError) return error.problems;
    throw error;
  }
  return [];
}

describe("a plan", () => {
  it("comes back as it was written", () => {
    expect(readPlanAnswer(writePlanAnswer(ANSWER))).toEqual(ANSWER);
  });

  it("comes back as the reason why there is none", () => {
    const waiting: PlanAnswer = {
      ...ANSWER,
      plan: undefined,
      waiting: { reason: "Halted", message: "1 of 3 nodes failed" },
    };
    expect(readPlanAnswer(writePlanAnswer(waiting))).toEqual(waiting);
  });

  it("that waits for a reason which a later operator knows is queued, with the words of that operator", () => {
    const answer = (reason: unknown) => {
      const waiting = { reason, message: "the moon is full" };
      return Buffer.from(JSON.stringify({ ...ANSWER, plan: undefined, waiting }));
    };
    expect(readPlanAnswer(answer("FullMoon")).waiting).toEqual({ reason: "Queued", message: "the moon is full" });
    for (const reason of [undefined, 7, "x".repeat(100)]) {
      expect(problemsOf(() => readPlanAnswer(answer(reason))).join("\n")).toContain("waiting.reason");
    }
  });

  it.each([
    ["a tag in place of a digest", { reference: "docker.io/os:v2" }, "plan.reference: is not an image with its digest"],
    ["an id that is none", { id: "x" }, "plan.id: is not 64 hex digits"],
    ["an attempt before the first", { attempt: 0 }, "plan.attempt: is no whole number from 1 to 9007199254740991"],
    ["a drain of another shape", { drain: { force: "yes" } }, "plan.drain: /force must be boolean"],
    ["a flag that is text", { cordon: "true" }, "plan.cordon: is neither true nor false"],
    ["a variable that no process can have", { upgrade: { ...PLAN.upgrade, env: { "A=B": "c" } } }, "plan.upgrade.env:"],
    ["a NUL in an argument", { upgrade: { ...PLAN.upgrade, args: ["a\0b"] } }, "plan.upgrade.args:"],
  ])("with %s is refused, and the field is named", (_, change, problem) => {
    const bytes = Buffer.from(JSON.stringify({ ...ANSWER, plan: { ...PLAN, ...change } }));
    expect(problemsOf(() => readPlanAnswer(bytes)).join("\n")).toContain(problem);
  });

  it("and a reason to wait do not go together", () => {
    const both = { ...ANSWER, waiting: { reason: "Halted", message: "no" } };
    expect(problemsOf(() => readPlanAnswer(Buffer.from(JSON.stringify(both))))).toHaveLength(1);
  });

  it("that was sealed for a session opens with that session's key and for that use only", () => {
    const [key, iv] = [randomBytes(32), randomBytes(12)];
    const plain = writePlanAnswer(ANSWER);
    const sealed = sealForSession(plain, "plan", key, iv);
    expect(openSessionSeal(sealed, "plan", key)).toEqual(plain);
    const isBroken = "the answer was not sealed for this session";
    expect(() => openSessionSeal(sealed, "plan", randomBytes(32))).toThrow(isBroken);
    expect(() => openSessionSeal(sealed, "other", key)).toThrow(isBroken);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => openSessionSeal(sealed.subarray(0, length), "plan", key)).toThrow(isBroken);
    }
  });
});

describe("a status", () => {
  it("comes back as it was written", () => {
    const status = {
      protocol: 2,
      plan: PLAN.id,
      image: PLAN.image,
      attempt: 7,
      phase: "Draining",
      digest: `sha256:${"ab".repeat(32)}`,
      reason: "DRAIN_BLOCKED",
      message: "waits for PodDisruptionBudget shop/web",
      bootId: "11111111-2222-3333-4444-555555555555",
    } as const;
    expect(readUpgradeStatus(writeUpgradeStatus(status))).toEqual(status);
    const answer = { protocol: 2, holdsSlot: false, nextStatusInSeconds: 30 };
    expect(readStatusAnswer(writeStatusAnswer(answer))).toEqual(answer);
  });

  it("names all its bad fields at once", () => {
    const bytes = Buffer.from(JSON.stringify({ protocol: 2, attempt: -1, phase: "Flying", digest: "md5:1" }));
    expect(problemsOf(() => readUpgradeStatus(bytes))).toHaveLength(3);
  });
});

describe("the phases", () => {
  it("are all named, and lead to phases", () => {
    expect(PHASE_NAMES).toEqual(Object.keys(PHASES));
    for (const { next } of Object.values(PHASES)) for (const one of next) expect(PHASE_NAMES).toContain(one);
  });

  it("are those that a MachineInventory may show", () => {
    expect(machineInventory.status.properties.upgrade.properties.phase).toHaveProperty("enum", [...PHASE_NAMES]);
  });

  it("all lead to an end", () => {
    for (const start of PHASE_NAMES) {
      const seen = new Set([start]);
      for (const phase of seen) for (const next of PHASES[phase].next) seen.add(next);
      expect([...seen].some((phase) => isTerminal(phase))).toBe(true);
    }
  });

  it("after the switch do not lead back to before it without an end in between", () => {
    for (const phase of ["Upgrading", "Rebooting", "Verifying"] as const) {
      for (const next of PHASES[phase].next) expect(PHASES[next].mayBeSwitched).toBe(true);
    }
    expect(mayFollow("Draining", "Rebooting")).toBe(false);
    expect(mayFollow("Draining", "Draining")).toBe(true);
  });
});
