/** A rollout whose failures are within its budget, and of which nothing else is left, says that it waits for somebody. */
import { afterEach, expect, it } from "vitest";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
const LEFT = "nothing is left to be tried: see status.failures";

let scene: TwoImages;
afterEach(() => scene.run.stop());

it("when the last machine has failed, and not while one waits for its turn", async () => {
  scene = new TwoImages("fleet-local");
  scene.make("os", 1, { osImage: "r.example.com/os:v1", concurrency: 1, failureBudget: 2 });
  await scene.time.pass(MINUTE_MS);
  const status = () => scene.image("os").status;

  const first = await scene.begun();
  await scene.say(first.name, first.plan, "Failed", { reason: "X" });
  await scene.time.pass(MINUTE_MS);
  expect(status()).toMatchObject({
    state: "Progressing",
    failed: 1,
    pending: 1,
    message: "0 of 2 machines updated, 1 failed",
  });

  const second = await scene.begun();
  expect(second.name).not.toBe(first.name);
  expect(status()?.message).not.toContain(LEFT);
  await scene.say(second.name, second.plan, "Failed", { reason: "X" });
  await scene.time.pass(MINUTE_MS);
  expect(status()).toMatchObject({ state: "Progressing", failed: 2, pending: 0, updating: 0 });
  expect(status()?.message).toBe(
    `0 of 2 machines updated, 2 failed; ${LEFT}, and let a machine try again by the annotation rancheros.cattle.io/retry-upgrade`,
  );
});
