/** A machine that the image is not for any more, and that has not begun, keeps its slot no longer than a minute. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
const elsewhere = { nodeSelector: { matchLabels: { pool: "elsewhere" } } };

let scene: TwoImages;
beforeEach(async () => {
  scene = new TwoImages("fleet-local");
  scene.make("os", 1, { osImage: "r.example.com/os:v1", concurrency: 1 });
  await scene.time.pass(MINUTE_MS);
});
afterEach(() => scene.run.stop());

it("where its answer was lost, and nobody asks", async () => {
  const { name } = await scene.begun();
  scene.change("os", elsewhere);
  await scene.time.pass(MINUTE_MS / 2);
  expect(scene.holders("os")).toEqual([name]);
  await scene.time.pass(MINUTE_MS);
  expect(scene.holders("os")).toEqual([]);
});

it("but is heard to the end where it has begun", async () => {
  const { name, plan } = await scene.begun();
  await scene.say(name, plan, "Upgrading");
  scene.change("os", elsewhere);
  await scene.time.pass(5 * MINUTE_MS);
  expect(scene.holders("os")).toEqual([name]);
});
