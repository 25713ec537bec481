/** The operator's number of a grant, as a machine judges it that remembers grants of an image of the same name. */
import { describe, expect, it } from "vitest";
import { EMPTY_JOURNAL, type Ended, type Journal } from "../../../packages/agent/src/upgrade/journal.ts";
import { judgeOrder } from "../../../packages/agent/src/upgrade/judge-order.ts";
import { decide } from "../../../packages/operator/src/rollout/decide.ts";
import { RolloutIndex } from "../../../packages/operator/src/rollout/rollout-index.ts";
import type { MachineUpgrade, RolloutMachine } from "../../../packages/operator/src/rollout/rollout-machine.ts";
import { viewOf } from "../../../packages/operator/src/rollout/view-of.ts";
import { plainMachine } from "../../../packages/operator/test/unit/rollout/plain-machine.ts";
import { validPlan } from "../../fuzz/upgrade-vectors.ts";

const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const PLAN = "ab".repeat(32);

function machineThatSaid(word: Partial<MachineUpgrade>): RolloutMachine {
  const rest = { sinceMs: undefined, heardMs: NOW_MS, reason: undefined, message: undefined } as const;
  const said = { image: undefined, plan: undefined, attempt: 0, phase: "Succeeded", ...rest, ...word } as const;
  return plainMachine({ name: "m1", uid: "u1", lastSeenMs: NOW_MS, upgrade: said });
}

/** An image of that name without a status, but for its plan: it was deleted, and made again with the same content. */
function grantOf(name: string, machine: RolloutMachine) {
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  const metadata = { name, namespace: "fleet-local", uid: "made-anew", resourceVersion: "1", generation: 1 };
  index.putImage({ metadata, spec: { osImage: "r.example.com/os:v2" } });
  index.putMachine(machine);
  const state = index.image(`fleet-local/${name}`);
  if (state === undefined) throw new Error("the index does not have the image");
  const view = { ...viewOf(index, state, NOW_MS, true), plan: PLAN };
  const [slot] = decide(view, [{ machine, cluster: "local" }], NOW_MS).granted;
  if (slot === undefined) throw new Error("nothing was granted");
  return { ...validPlan, id: PLAN, image: name, attempt: slot.attempt };
}

function ended(image: string, attempt: number, isByHand = false): Ended {
  const { osImage, reference } = validPlan;
  const digest = reference.slice(reference.indexOf("@") + 1);
  return {
    subject: { planId: image === "x" ? PLAN : "cd".repeat(32), image, attempt, isByHand, osImage, digest },
    phase: "Succeeded",
    reason: undefined,
    message: undefined,
    startedMs: 1,
    endedMs: 2,
    bootId: "b1",
  };
}

describe("a grant of an image that was deleted and made again", () => {
  it.each([
    ["another image", ended("y", 1), { image: "y", plan: "cd".repeat(32), attempt: 1 }],
    ["an upgrade by hand", ended("", 1, true), {}],
  ])("is begun with where the machine's last word was about %s", (_, last, word) => {
    const journal: Journal = { ...EMPTY_JOURNAL, history: [last, ended("x", 400)] };
    const plan = grantOf("x", machineThatSaid(word));
    expect(judgeOrder(journal, { plan, isByHand: false, keepsCloudConfig: false })).toEqual({ kind: "start" });
    // And what it has had of it is still known.
    const old = { ...plan, attempt: 400 };
    expect(judgeOrder(journal, { plan: old, isByHand: false, keepsCloudConfig: false })).toEqual({ kind: "known" });
  });
});
