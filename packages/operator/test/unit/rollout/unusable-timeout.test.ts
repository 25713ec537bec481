/** A nodeTimeout that is none says nothing about who is under way: nobody's time is over because of it. */
import { afterEach, expect, it } from "vitest";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;

let scene: TwoImages;
afterEach(() => scene.run.stop());

it.each([0, "0", "500ms", "721h"])("as where it becomes %s", async (nodeTimeout) => {
  scene = new TwoImages("fleet-local");
  scene.make("os", 1, { osImage: "r.example.com/os:v2", nodeTimeout: "3h" });
  await scene.time.pass(MINUTE_MS);
  const { name, plan } = await scene.begun();
  await scene.say(name, plan, "Staging");
  scene.change("os", { nodeTimeout });
  await scene.time.pass(150 * MINUTE_MS);
  expect(scene.image("os").status).toMatchObject({ state: "Invalid", updating: 1, failed: 0, failures: [] });
  expect(await scene.say(name, plan, "Draining")).toBe(true);
  scene.change("os", { nodeTimeout: "2h" });
  await scene.time.pass(121 * MINUTE_MS);
  expect(scene.image("os").status).toMatchObject({ updating: 0, failed: 1 });
});
