/** A replica that has not read Fleet's clusters yet takes no machine's slot back for that. */
import { expect, it } from "vitest";
import { TwoImages } from "./two-images.ts";

const EVERYWHERE = { targets: [{ clusterSelector: {} }] };
const NOWHERE = { nodeSelector: { matchLabels: { pool: "other" } } };

it.each(["older", "younger"])("the %s of two images keeps its machines until Fleet has been read", async (owner) => {
  let isRead = true;
  const scene = new TwoImages("fleet-default", {
    fleet: { chosen: () => new Set(isRead ? ["c1"] : []), unclear: () => undefined },
    fleetSynced: () => isRead,
  });
  const [first, second] = [{ osImage: "r.example.com/os:v2" }, { osImage: "r.example.com/other:v1" }];
  scene.make("older", 1, { ...first, ...EVERYWHERE, ...(owner === "older" ? {} : NOWHERE) });
  scene.make("younger", 2, { ...second, ...EVERYWHERE });
  await scene.time.pass(60_000);
  const { name, other, plan } = await scene.begun();
  expect(plan.image).toBe(owner);
  expect(await scene.say(name, plan, "Staging")).toBe(true);
  isRead = false;
  await scene.restart();
  for (const phase of ["Staging", "Draining"] as const) expect(await scene.say(name, plan, phase)).toBe(true);
  expect((await scene.ask(other)).plan).toBeUndefined();
  await scene.time.pass(60_000);
  expect(scene.holders(owner)).toEqual([name]);
  isRead = true;
  scene.run.onFleet("fleet-default");
  expect(await scene.say(name, plan, "Succeeded")).toBe(true);
  expect((await scene.ask(other)).plan?.image).toBe(owner);
  await scene.run.stop();
});
