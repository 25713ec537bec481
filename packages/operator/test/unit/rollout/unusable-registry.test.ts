/** Rancher's default registry comes to be a text that is none: what is under way goes on, and people are told what is wrong. */
import { afterEach, expect, it } from "vitest";
import { defaultRegistry } from "../../../src/rancher/index.ts";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;

let scene: TwoImages;
afterEach(() => scene.run.stop());

let setting = "";
async function say(text: string): Promise<void> {
  setting = text;
  scene.run.onDefaultRegistry();
  await scene.time.pass(MINUTE_MS);
}

async function start(text: string): Promise<void> {
  setting = text;
  scene = new TwoImages("fleet-local", {
    defaultRegistry: () => defaultRegistry({ "system-default-registry": setting }),
  });
  scene.make("os", 1, { osImage: "rancher/os:v2" });
  await scene.time.pass(MINUTE_MS);
}

it.each([
  "https://registry.example.com",
  "a b",
  "mirror",
  "registry.example.com:5000/os:v1",
  "Registry.example.com/UP",
])("where it is %s", async (text) => {
  await start("registry.example.com");
  const { name, other, plan } = await scene.begun();
  expect(plan.reference).toMatch(/^registry\.example\.com\/rancher\/os@/);
  expect(await scene.say(name, plan, "Staging")).toBe(true);
  await say(text);
  const isHeld = async (): Promise<void> => {
    expect(await scene.say(name, plan, "Draining")).toBe(true);
    expect(scene.holders("os")).toEqual([name]);
    const message = `Rancher's setting system-default-registry: ${JSON.stringify(text)} is no registry, such as registry.example.com:5000 or registry.example.com/mirror`;
    expect(scene.image("os").status).toMatchObject({ state: "Invalid", message });
    expect((await scene.ask(other)).waiting).toEqual({ reason: "Invalid", message });
  };
  await isHeld();
  await scene.restart();
  await scene.time.pass(MINUTE_MS);
  await isHeld();
  await say("registry.example.com/");
  expect(await scene.say(name, plan, "Succeeded")).toBe(true);
  await scene.time.pass(MINUTE_MS);
  expect((await scene.ask(other)).plan).toMatchObject({ id: plan.id });
});

it("begins with no image that it has never known from anywhere", async () => {
  await start("a b");
  expect((await scene.ask("a")).waiting?.reason).toBe("Invalid");
  expect(scene.image("os").status?.resolvedImage).toBeUndefined();
  await say("registry.example.com");
  expect((await scene.begun()).plan.reference).toMatch(/^registry\.example\.com\//);
});

it("is nothing to an image that names its registry", async () => {
  await start("registry.example.com");
  scene.make("own", 0, { osImage: "quay.io/rancher/os:v2" });
  await say("a b");
  expect((await scene.begun()).plan.image).toBe("own");
});

it("is nothing to an image that was never of another one than docker.io, as the setting was empty", async () => {
  await start("");
  const { name, plan } = await scene.begun();
  await say("a b");
  expect(await scene.say(name, plan, "Draining")).toBe(true);
});
