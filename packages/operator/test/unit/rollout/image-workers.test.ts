/** Who works for an image is there as long as the image is, whoever still asks for it. */
import { expect, it } from "vitest";
import { ALWAYS_HEARD } from "../../../src/rollout/hearing.ts";
import { ImageWorker } from "../../../src/rollout/image-worker.ts";
import { ImageWorkers } from "../../../src/rollout/image-workers.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

function scene() {
  const there = new Set(["n/a", "n/b"]);
  const time = new VirtualTime();
  const store = { read: async () => undefined, writeStatus: () => Promise.reject(new Error("not used")) };
  const parts = { ...quietParts(time), store, hearing: () => ALWAYS_HEARD };
  const index = new RolloutIndex(parts.fleet);
  const workers = new ImageWorkers(
    (key) => there.has(key),
    (key) =>
      new ImageWorker(
        key,
        index,
        parts,
        () => "ready",
        () => undefined,
      ),
  );
  return { there, workers };
}

it("is the same one each time, until the image goes", () => {
  const { there, workers } = scene();
  const first = workers.of("n/a");
  workers.of("n/b");
  expect([workers.of("n/a"), workers.size]).toEqual([first, 2]);
  there.delete("n/a");
  workers.forget("n/a");
  expect(workers.size).toBe(1);
});

it("answers who asks for an image that is gone by then, and is not kept", async () => {
  const { workers } = scene();
  const late = workers.of("n/gone");
  late.report("fine");
  expect(await late.ask("uid")).toMatchObject({ reason: "Queued" });
  expect(workers.size).toBe(0);
  workers.of("n/a");
  workers.stop();
  expect(await workers.of("n/a").ask("uid")).toMatchObject({ reason: "Queued" });
  expect(workers.size).toBe(0);
});
