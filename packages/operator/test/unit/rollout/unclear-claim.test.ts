/** An image of which nobody can tell any more for which machines it is: they stay its own, and no younger image takes them. */
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { afterEach, describe, expect, it } from "vitest";
import type { RolloutNews, RolloutParts } from "../../../src/rollout/rollout-parts.ts";
import { TwoImages } from "./two-images.ts";

const OLDER = { osImage: "r.example.com/os:v2" };
const YOUNGER = { osImage: "r.example.com/other:v1" };
const POOL = { nodeSelector: { matchLabels: { pool: "web" } } };
const EVERYWHERE = { targets: [{ clusterSelector: {} }] };
const MINUTE_MS = 60_000;

const news: RolloutNews[] = [];
let scene: TwoImages;
afterEach(() => scene.run.stop());

async function start(
  namespace: string,
  older: ManagedOSImageSpec,
  younger: ManagedOSImageSpec = {},
  more: Partial<RolloutParts> = {},
): Promise<void> {
  const fleet = { chosen: () => new Set(["c1"]), unclear: () => undefined };
  news.length = 0;
  scene = new TwoImages(namespace, { fleet, tell: (one) => void news.push(one), ...more });
  scene.make("older", 1, { ...OLDER, ...older });
  scene.make("younger", 2, { ...YOUNGER, ...younger });
  await scene.time.pass(MINUTE_MS);
}

const BAD: readonly (readonly [string, string, ManagedOSImageSpec, ManagedOSImageSpec, string])[] = [
  [
    "a label that is none",
    "fleet-local",
    POOL,
    { nodeSelector: { matchLabels: { pool: "web servers" } } },
    "spec.nodeSelector.matchLabels",
  ],
  [
    "In without values",
    "fleet-local",
    POOL,
    { nodeSelector: { matchExpressions: [{ key: "pool", operator: "In" }] } },
    "spec.nodeSelector.matchExpressions[0]: In needs values",
  ],
  ["targets where there are none", "fleet-local", POOL, EVERYWHERE, "spec.targets should be empty"],
  [
    "targets that choose by a label that is none",
    "fleet-default",
    EVERYWHERE,
    { targets: [{ clusterSelector: { matchLabels: { env: "a b" } } }] },
    "spec.targets[0].clusterSelector",
  ],
];

describe.each(BAD)("an image that comes to have %s", (_, namespace, good, bad, field) => {
  const elsewhere = namespace === "fleet-local" ? {} : EVERYWHERE;
  const isSaid = (): void => {
    const { status } = scene.image("older");
    expect(status).toMatchObject({ state: "Invalid", message: expect.stringContaining(field) as unknown });
    expect(scene.condition("older", "Invalid")).toMatchObject({ status: "True", message: status?.message });
    expect(scene.condition("older", "TargetsMatched")).toMatchObject({ status: "Unknown", reason: "Invalid" });
  };

  it("lets its machines go on, and no younger image take the others, also when the operator begins anew", async () => {
    await start(namespace, good, elsewhere);
    const { name, other, plan } = await scene.begun();
    expect(await scene.say(name, plan, "Staging")).toBe(true);
    scene.change("older", bad);
    await scene.time.pass(MINUTE_MS);
    const isHeld = async (): Promise<void> => {
      const { plan: none, waiting } = await scene.ask(other);
      expect([none, waiting?.reason]).toEqual([undefined, "Invalid"]);
      expect(waiting?.message).toContain(field);
      expect(await scene.say(name, plan, "Draining")).toBe(true);
      await scene.time.pass(MINUTE_MS);
      expect([scene.holders("older"), scene.holders("younger")]).toEqual([[name], []]);
      expect(scene.image("older").status).toMatchObject({ total: 2, updating: 1, pending: 1, clusters: 1 });
      isSaid();
    };
    await isHeld();
    const said = scene.image("older").status;
    await scene.restart();
    await isHeld();
    // Replicas that know more of it and less write the same.
    expect(scene.image("older").status).toEqual(said);
    expect((await scene.ask(other)).waiting?.message).toMatch(
      new RegExp(
        `^nobody can tell for which machines ManagedOSImage ${namespace}/older is: .*mend that, or delete the image$`,
      ),
    );

    scene.change("older", { nodeSelector: null, targets: null, ...good });
    await scene.time.pass(MINUTE_MS);
    expect(await scene.say(name, plan, "Succeeded")).toBe(true);
    await scene.time.pass(MINUTE_MS);
    expect((await scene.ask(other)).plan).toMatchObject({ image: "older" });
    expect(scene.condition("older", "TargetsMatched")?.status).toBe("True");
  });

  it("and was made so: younger images wait, and it says why", async () => {
    await start(namespace, bad, elsewhere);
    expect((await scene.ask("a")).waiting).toMatchObject({ reason: "Invalid" });
    isSaid();
    expect(scene.image("older").status?.slots ?? []).toEqual([]);
    await scene.time.pass(10 * MINUTE_MS);
    const blocked = news.filter(({ reason }) => reason === "Blocked");
    expect(blocked.map(({ image: { name }, message }) => [name, message])).toEqual([
      ["younger", expect.stringContaining(`nothing is decided about this image: nobody can tell for which machines`)],
    ]);
    expect(scene.condition("younger", "Blocked")).toMatchObject({
      status: "True",
      reason: "Invalid",
      message: blocked[0]?.message,
      observedGeneration: 1,
    });
    expect(scene.condition("older", "Blocked")).toBeUndefined();
    scene.change("older", { nodeSelector: null, targets: null, ...good });
    await scene.time.pass(MINUTE_MS);
    expect((await scene.begun()).plan.image).toBe("older");
    expect(scene.condition("younger", "Blocked")).toMatchObject({ status: "False", message: "" });
    expect(scene.condition("older", "Blocked")).toBeUndefined();
  });
});

describe("an image of which a replica has missed for which machines it was last", () => {
  const bad = { nodeSelector: { matchLabels: { pool: "web servers" } } };

  it("has those that the others know, and not those of before", async () => {
    await start("fleet-local", POOL);
    expect(scene.image("older").status?.total).toBe(2);
    scene.changeUnseen("older", { nodeSelector: { matchLabels: { pool: "db" } } }, { total: 0, pending: 0 });
    scene.change("older", bad);
    await scene.time.pass(10 * MINUTE_MS);
    expect(scene.image("older").status).toMatchObject({ state: "Invalid", total: 0, pending: 0 });
    expect((await scene.ask("a")).waiting).toMatchObject({
      reason: "Invalid",
      message: expect.stringMatching(/^nobody can tell for which machines/) as unknown,
    });
    // Nor is more known of it when it is changed once more.
    scene.change("older", { nodeSelector: { matchLabels: { pool: "db servers" } } });
    await scene.time.pass(MINUTE_MS);
    expect(scene.image("older").status).toMatchObject({ state: "Invalid", total: 0 });
    scene.change("older", POOL);
    await scene.time.pass(MINUTE_MS);
    expect((await scene.begun()).plan.image).toBe("older");
  });
});

describe("an image that waits for such a one", () => {
  const bad = { nodeSelector: { matchLabels: { pool: "web servers" } } };

  it("keeps all else of its status, and is written about once", async () => {
    await start("fleet-local", {});
    const before = scene.image("younger").status;
    scene.change("older", bad);
    await scene.restart();
    await scene.time.pass(MINUTE_MS);
    const { status, metadata } = scene.image("younger");
    expect({ ...status, conditions: status?.conditions?.filter(({ type }) => type !== "Blocked") }).toEqual(before);
    expect(scene.condition("younger", "Blocked")?.status).toBe("True");
    await scene.time.pass(10 * MINUTE_MS);
    expect(scene.image("younger").metadata.resourceVersion).toBe(metadata.resourceVersion);
  });

  it("is said to by who leads only, and whoever comes to lead and knows better takes it back", async () => {
    let lagMs = 5_000;
    await start("fleet-local", {}, {}, { lagMs: () => lagMs });
    scene.change("older", bad);
    await scene.restart();
    await scene.time.pass(MINUTE_MS);
    expect(scene.condition("younger", "Blocked")).toBeUndefined();
    lagMs = 0;
    await scene.time.pass(MINUTE_MS);
    expect(scene.condition("younger", "Blocked")?.status).toBe("True");
    lagMs = 5_000;
    scene.change("older", { nodeSelector: null });
    await scene.time.pass(10 * MINUTE_MS);
    expect(scene.condition("younger", "Blocked")?.status).toBe("True");
    lagMs = 0;
    await scene.time.pass(MINUTE_MS);
    expect(scene.condition("younger", "Blocked")?.status).toBe("False");
  });
});

describe("an image of which nobody can tell for which machines it is", () => {
  const bad = { nodeSelector: { matchLabels: { pool: "web servers" } } };

  it("has nothing to say about those of an older one", async () => {
    await start("fleet-local", {}, bad);
    expect((await scene.begun()).plan.image).toBe("older");
    expect(scene.image("younger").status?.state).toBe("Invalid");
  });

  it("takes no machine that it had not before", async () => {
    await start("fleet-local", { nodeSelector: { matchLabels: { pool: "db" } } });
    scene.change("older", bad);
    await scene.time.pass(MINUTE_MS);
    expect((await scene.begun()).plan.image).toBe("younger");
  });

  it("counts what its machines come to meanwhile", async () => {
    await start("fleet-local", POOL);
    const { name, plan } = await scene.begun();
    await scene.say(name, plan, "Staging");
    scene.change("older", bad);
    await scene.say(name, plan, "Succeeded");
    await scene.time.pass(MINUTE_MS);
    expect(scene.image("older").status).toMatchObject({ state: "Invalid", updated: 1, updating: 0, pending: 1 });
  });
});
