/** A ClusterGroup whose selector is none: nobody can tell any more which clusters it has, and no younger image gains by that. */
import { afterEach, describe, expect, it } from "vitest";
import { clusterEntry, FleetIndex, groupEntry } from "../../../src/fleet/fleet-index.ts";
import { TwoImages } from "./two-images.ts";

const NAMESPACE = "fleet-default";
const MINUTE_MS = 60_000;
const OLDER = { osImage: "r.example.com/os:v2" };
const YOUNGER = { osImage: "r.example.com/other:v1", targets: [{ clusterSelector: {} }] };
const GOOD = { matchLabels: { env: "shop" } };
const BAD = { matchExpressions: [{ key: "env", operator: "in", values: ["shop"] }] };
const WHY = `ClusterGroup ${NAMESPACE}/shops: spec.selector.matchExpressions[0]: "in" is none of In, NotIn`;

let scene: TwoImages;
let fleet: FleetIndex;
let version = 0;
afterEach(() => scene.run.stop());

function metadata(name: string, labels: object, uid = `uid-${name}`) {
  version += 1;
  return { name, namespace: NAMESPACE, uid, labels, resourceVersion: String(version) };
}

function putGroup(selector: object, uid?: string, name = "shops"): void {
  const entry = groupEntry({ metadata: metadata(name, { kind: "shop" }, uid), spec: { selector } });
  if (entry === undefined) throw new Error("it is a group");
  fleet.putGroup(entry);
}

async function group(selector: object, uid?: string): Promise<void> {
  putGroup(selector, uid);
  scene.run.onFleet(NAMESPACE);
  await scene.time.pass(MINUTE_MS);
}

async function start(selector: object, target: object = { clusterGroup: "shops" }): Promise<void> {
  fleet = new FleetIndex();
  const cluster = clusterEntry({ metadata: metadata("c1", { env: "shop" }) });
  if (cluster === undefined) throw new Error("it is a cluster");
  fleet.putCluster(cluster);
  putGroup(selector);
  scene = new TwoImages(NAMESPACE, { fleet });
  scene.make("older", 1, { ...OLDER, targets: [target] });
  scene.make("younger", 2, YOUNGER);
  await scene.time.pass(MINUTE_MS);
}

function isSaid(): void {
  const message = expect.stringContaining(WHY) as unknown;
  expect(scene.image("older").status).toMatchObject({ state: "Invalid", message });
  expect(scene.condition("older", "TargetsMatched")).toMatchObject({ status: "Unknown", message });
}

describe.each([
  ["by its name", { clusterGroup: "shops" }],
  ["by its labels", { clusterGroupSelector: { matchLabels: { kind: "shop" } } }],
])("an image whose targets choose a ClusterGroup %s that has no selector any more", (_, target) => {
  it("keeps its machines, and says why nobody new begins, also when the operator begins anew", async () => {
    await start(GOOD, target);
    const { name, other, plan } = await scene.begun();
    expect(plan.image).toBe("older");
    expect(await scene.say(name, plan, "Staging")).toBe(true);
    await group(BAD);
    const isHeld = async (): Promise<void> => {
      expect((await scene.ask(other)).waiting).toMatchObject({
        reason: "Invalid",
        message: expect.stringContaining(WHY) as unknown,
      });
      expect(await scene.say(name, plan, "Draining")).toBe(true);
      await scene.time.pass(MINUTE_MS);
      expect([scene.holders("older"), scene.holders("younger")]).toEqual([[name], []]);
      expect(scene.image("older").status).toMatchObject({ total: 2, updating: 1, pending: 1, clusters: 1 });
      isSaid();
    };
    await isHeld();
    const said = scene.image("older").status;
    // Who begins anew has never seen what the selector was.
    fleet.deleteGroup({ metadata: { name: "shops", namespace: NAMESPACE } });
    putGroup(BAD);
    await scene.restart();
    await isHeld();
    expect(scene.image("older").status).toEqual(said);

    await group(GOOD);
    expect(await scene.say(name, plan, "Succeeded")).toBe(true);
    await scene.time.pass(MINUTE_MS);
    expect((await scene.ask(other)).plan).toMatchObject({ image: "older" });
  });
});

describe("a ClusterGroup that never had a selector", () => {
  it("holds up the images that it may matter to, and younger ones, until it has one", async () => {
    await start(BAD);
    expect((await scene.ask("a")).waiting).toMatchObject({ reason: "Invalid" });
    isSaid();
    await group(GOOD);
    expect((await scene.begun()).plan.image).toBe("older");
  });

  it("lets the others go on when it turns out to have none of their clusters", async () => {
    await start(BAD);
    await group({ matchLabels: { env: "office" } });
    expect((await scene.begun()).plan.image).toBe("younger");
  });

  it("is another one than that of its name before", async () => {
    await start({ matchLabels: { env: "office" } });
    await group(BAD, "uid-again");
    expect((await scene.ask("a")).waiting).toMatchObject({ reason: "Invalid" });
  });

  it.each([
    ["a cluster by its own labels", { clusterSelector: { matchLabels: { env: "shop" } } }],
    ["another group", { clusterGroup: "all" }],
  ])("is nothing to an image that chooses %s", async (_, target) => {
    await start(BAD, target);
    putGroup({}, undefined, "all");
    await group(BAD);
    expect((await scene.begun()).plan.image).toBe("older");
    expect(scene.image("older").status?.state).not.toBe("Invalid");
  });
});
