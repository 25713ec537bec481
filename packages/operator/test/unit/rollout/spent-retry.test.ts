/** An annotation that asked for a try which was made since asks for nothing more, also where no list of failures tells of that try. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
const SPEC = { osImage: "r.example.com/os:v1", concurrency: 1, failureBudget: 0 };

let scene: TwoImages;
/** Machine a was annotated long ago, and has failed with that. */
beforeEach(async () => {
  scene = new TwoImages("fleet-local");
  scene.annotate("a", "a month ago");
  scene.make("os", 1, SPEC);
  await scene.time.pass(MINUTE_MS);
  const first = await scene.begun();
  if (first.name === "b") await scene.say("b", first.plan, "Succeeded");
  const plan = first.name === "a" ? first.plan : (await scene.ask("a")).plan;
  if (plan === undefined) throw new Error("machine a is to begin");
  await scene.say("a", plan, "Granted");
  await scene.say("a", plan, "RolledBack", { reason: "X" });
  await scene.time.pass(MINUTE_MS);
  expect(scene.image("os").status).toMatchObject({ state: "Halted", failed: 1, failures: [{ retry: "a month ago" }] });
});
afterEach(() => scene.run.stop());

async function isStillFailed(): Promise<void> {
  await scene.time.pass(MINUTE_MS);
  expect(scene.image("os").status).toMatchObject({ state: "Halted", failed: 1, failures: [] });
  expect(await scene.ask("a")).toMatchObject({ plan: undefined });
  expect(scene.holders("os")).toEqual([]);

  scene.annotate("a", "today");
  await scene.time.pass(MINUTE_MS);
  expect((await scene.ask("a")).plan).toMatchObject({ retry: true });
}

it("after the image was changed and changed back", async () => {
  scene.change("os", { cloudConfig: { hostname: "other" }, suspend: true });
  await scene.time.pass(MINUTE_MS);
  expect(scene.image("os").status).toMatchObject({ failed: 0 });
  scene.change("os", { cloudConfig: null, suspend: false });
  await isStillFailed();
});

it("after the image was deleted and made anew", async () => {
  scene.run.onImageGone(scene.image("os"));
  scene.make("os", 1, SPEC);
  await isStillFailed();
});
