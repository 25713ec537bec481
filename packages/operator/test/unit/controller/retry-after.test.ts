/** An API server that asks for patience gets it. */
import { expect, it } from "vitest";
import { KubernetesError } from "../../../src/controller/errors.ts";
import { refusal } from "../../../src/controller/kubernetes-status.ts";
import { createPacedQueue } from "../../../src/controller/paced-queue.ts";
import { retryAfterMs } from "../../../src/controller/retry-after.ts";
import { createWorkQueue } from "../../../src/controller/work-queue.ts";
import { VirtualTime } from "../rollout/virtual-time.ts";

const patience = refusal(429, undefined, 7);

it("is read from the error, where there is one", () => {
  expect(patience.code).toBe("KUBERNETES_BUSY");
  expect(retryAfterMs(patience)).toBe(7_000);
  expect(retryAfterMs(new KubernetesError("KUBERNETES_TIMEOUT", "slow"))).toBe(0);
  expect(retryAfterMs(new Error("anything"))).toBe(0);
});

it("is waited for by both queues, and no longer than the usual pause by itself", async () => {
  const time = new VirtualTime();
  const beganMs = time.nowMs;
  const tries: Record<"work" | "paced", number[]> = { work: [], paced: [] };
  const workOf = (name: "work" | "paced") => async () => {
    tries[name].push(time.nowMs - beganMs);
    if (tries[name].length === 1) throw patience;
  };
  const common = { onFailure: () => undefined, random: () => 0, setTimer: time.setTimer };
  const work = createWorkQueue({ ...common, work: workOf("work") });
  const paced = createPacedQueue({
    ...common,
    work: workOf("paced"),
    nowMs: () => time.nowMs,
    intervalMs: 10,
    delaysMs: { prompt: 0, later: 0 },
  });
  work.add("a");
  // What is heard of it meanwhile changes nothing.
  time.setTimer(() => work.add("a"), 1_000);
  paced.add("a", "prompt");
  await time.pass(60_000);
  expect(tries).toEqual({ work: [0, 7_000], paced: [0, 7_000] });
});
