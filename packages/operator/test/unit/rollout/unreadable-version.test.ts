/** A ManagedOSVersion that somebody changes into what is of no use: rollouts of it begin with nobody, and end nothing. */
import type { ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { afterEach, expect, it } from "vitest";
import { versionOf } from "./image-of.ts";
import { TwoImages } from "./two-images.ts";

const NAMESPACE = "fleet-local";
const MINUTE_MS = 60_000;
const GOOD = versionOf("r.example.com/os:v2");

let scene: TwoImages;
afterEach(() => scene.run.stop());

it.each<[string, ManagedOSVersionSpec, string]>([
  ["names no image", { version: "v2.0.0", metadata: {} }, "spec.metadata"],
  ["has a minVersion that is none", { ...GOOD, minVersion: "newest" }, "minVersion"],
])("as where it %s", async (_, bad, field) => {
  let version = GOOD;
  const change = async (next: ManagedOSVersionSpec): Promise<void> => {
    version = next;
    scene.run.onVersion(NAMESPACE, "v2");
    await scene.time.pass(MINUTE_MS);
  };
  scene = new TwoImages(NAMESPACE, { versions: { find: () => version } });
  scene.make("os", 1, { managedOSVersionName: "v2" });
  await scene.time.pass(MINUTE_MS);
  const { name, other, plan } = await scene.begun();
  expect(await scene.say(name, plan, "Staging")).toBe(true);
  await change(bad);
  const isHeld = async (): Promise<void> => {
    expect(await scene.say(name, plan, "Draining")).toBe(true);
    const message = expect.stringContaining(field) as unknown;
    expect(scene.image("os").status).toMatchObject({ state: "Invalid", message, version: { name: "v2", spec: GOOD } });
    expect((await scene.ask(other)).waiting).toMatchObject({ reason: "Invalid", message });
  };
  await isHeld();
  await scene.restart();
  await scene.time.pass(MINUTE_MS);
  await isHeld();
  await change(GOOD);
  expect(await scene.say(name, plan, "Succeeded")).toBe(true);
  await scene.time.pass(MINUTE_MS);
  expect((await scene.ask(other)).plan).toMatchObject({ id: plan.id });
});
