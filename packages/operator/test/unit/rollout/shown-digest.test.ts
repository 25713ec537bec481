/** The digest in the status is that of the image that the spec names: none while the registry is being asked. */
import { afterEach, expect, it } from "vitest";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
const DIGESTS: Readonly<Record<string, string>> = {
  "r.example.com/os:v1": `sha256:${"1".repeat(64)}`,
  "r.example.com/os:v2": `sha256:${"2".repeat(64)}`,
};

let asked: string[];
let isAway: boolean;
let scene: TwoImages;
afterEach(() => scene.run.stop());

function start(): void {
  asked = [];
  isAway = false;
  scene = new TwoImages("fleet-local", {
    async resolve(_object, { image }) {
      asked.push(image);
      const digest = DIGESTS[image];
      if (digest === undefined || isAway) throw new Error("the registry does not answer");
      return digest;
    },
  });
}

async function change(osImage: string): Promise<void> {
  scene.change("os", { osImage });
  await scene.time.pass(MINUTE_MS);
}

const digest = () => scene.image("os").status?.digest;

it("and comes back with the same plan, and unasked, where the spec names the image of before again", async () => {
  start();
  scene.make("os", 1, { osImage: "r.example.com/os:v1" });
  await scene.time.pass(MINUTE_MS);
  const { name, plan } = await scene.begun();
  expect(digest()).toBe(DIGESTS["r.example.com/os:v1"]);

  isAway = true;
  await change("r.example.com/os:v2");
  expect(scene.image("os").status).toMatchObject({ state: "Resolving", resolvedImage: "r.example.com/os:v1" });
  expect(digest()).toBeUndefined();
  expect(scene.holders("os")).toEqual([name]);

  const before = asked.length;
  await change("r.example.com/os:v1");
  expect(scene.image("os").status).toMatchObject({ plan: plan.id });
  expect([digest(), asked.length]).toEqual([DIGESTS["r.example.com/os:v1"], before]);
  expect(await scene.say(name, plan, "Draining")).toBe(true);

  isAway = false;
  await change("r.example.com/os:v2");
  expect(digest()).toBe(DIGESTS["r.example.com/os:v2"]);
});

it("and stays where the spec has another cloud config for the same image", async () => {
  start();
  scene.make("os", 1, { osImage: "r.example.com/os:v1" });
  await scene.time.pass(MINUTE_MS);
  isAway = true;
  scene.change("os", { osImage: "r.example.com/os:v1", cloudConfig: { hostname: "node" } });
  await scene.time.pass(MINUTE_MS);
  expect(digest()).toBe(DIGESTS["r.example.com/os:v1"]);
});

it("and is the reference's own, whatever somebody has written in its place", async () => {
  start();
  scene.make("os", 1, { osImage: "r.example.com/os:v1" });
  await scene.time.pass(MINUTE_MS);
  scene.changeUnseen("os", {}, { digest: `sha256:${"0".repeat(64)}` });
  await scene.restart();
  await scene.time.pass(MINUTE_MS);
  expect(digest()).toBe(DIGESTS["r.example.com/os:v1"]);
  expect(asked).toEqual(["r.example.com/os:v1"]);
});
