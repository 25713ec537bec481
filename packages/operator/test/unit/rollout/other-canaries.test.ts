/** Canaries that are chosen anew while the plan stays what it is: they are waited for as the first ones were. */
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canariesId } from "../../../src/rollout/canaries-id.ts";
import { decide } from "../../../src/rollout/decide.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { standingOf } from "../../../src/rollout/standing.ts";
import { viewOf } from "../../../src/rollout/view-of.ts";
import { digestPinned } from "./digest-pinned.ts";
import { imageOf } from "./image-of.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const MINUTE_MS = 60_000;
const ring = (name: string) => ({ selector: { matchLabels: { ring: name } }, soakTime: "1h" });

let fleet: SimulatedFleet;
beforeEach(async () => {
  fleet = new SimulatedFleet({
    seed: 7,
    machines: ["a", "b", "c"].map((name) => ({
      name,
      cluster: "c1",
      role: "agent",
      labels: { ring: name },
      fault: "none" as const,
    })),
    spec: {
      osImage: "registry.example.com/os:v2",
      targets: [{ clusterSelector: {} }],
      concurrency: 3,
      canary: ring("a"),
    },
    replicas: 2,
    lagMs: 50,
    writeFaults: 0,
    restartEveryMs: undefined,
  });
  expect(await soaks()).toBe(true);
  expect(begun()).toEqual(["a"]);
});
afterEach(() => fleet.stop());

const begun = () => fleet.begun.map(({ machine }) => machine);
const soaks = () => fleet.time.until(() => fleet.image.status?.state === "Soaking", 20 * MINUTE_MS);
const change = (more: Partial<ManagedOSImageSpec>) => fleet.setSpec({ ...fleet.image.spec, ...more });

describe("canaries that are others now", () => {
  it("go before the rest, and are watched as long as the first ones", async () => {
    await fleet.time.pass(20 * MINUTE_MS);
    change({ canary: ring("b") });
    expect(await fleet.time.until(() => begun().length > 1, 20 * MINUTE_MS)).toBe(true);
    await fleet.time.pass(MINUTE_MS / 2);
    expect(await soaks()).toBe(true);
    await fleet.time.pass(55 * MINUTE_MS);
    expect(begun()).toEqual(["a", "b"]);
    expect(fleet.image.status?.state).toBe("Soaking");
    await fleet.time.pass(10 * MINUTE_MS);
    expect(begun()).toEqual(["a", "b", "c"]);
  });

  it("are waited for also where their hour would be over for those of before", async () => {
    change({ canary: ring("d") });
    await fleet.time.pass(90 * MINUTE_MS);
    expect(begun()).toEqual(["a"]);
    expect(fleet.image.status?.canariesDoneAt).toBeUndefined();
    change({ canary: ring("b") });
    await fleet.time.pass(50 * MINUTE_MS);
    expect(begun()).toEqual(["a", "b"]);
  });

  it("are waited for also where there were none in between", async () => {
    change({ suspend: true, canary: null });
    await fleet.time.pass(5 * MINUTE_MS);
    expect(fleet.image.status).not.toHaveProperty("canariesDoneAt");
    change({ suspend: false, canary: ring("b") });
    await fleet.time.pass(50 * MINUTE_MS);
    expect(begun()).toEqual(["a", "b"]);
  });
});

describe("canaries that are the same", () => {
  it("are not watched anew for another soakTime, nor where their selector could not be read for a while", async () => {
    const { canariesDoneAt } = fleet.image.status ?? {};
    await fleet.time.pass(20 * MINUTE_MS);
    change({ canary: { selector: { matchExpressions: [{ key: "ring", operator: "In" }] } } });
    await fleet.time.pass(5 * MINUTE_MS);
    expect(fleet.image.status).toMatchObject({ state: "Invalid", canariesDoneAt });
    change({ canary: { ...ring("a"), soakTime: "30m" } });
    await fleet.time.pass(10 * MINUTE_MS);
    expect(fleet.image.status).toMatchObject({ canariesDoneAt, canariesDoneFor: canariesId(ring("a").selector) });
    expect(begun().toSorted()).toEqual(["a", "b", "c"]);
  });

  it("are those that an operator meant which did not write down which", () => {
    const nowMs = Date.parse("2030-01-01T12:00:00Z");
    const canariesDoneAt = "2030-01-01T10:00:00Z";
    const index = new RolloutIndex({ chosen: () => new Set(["c1"]), unclear: () => undefined });
    const spec = { osImage: "r.example.com/os:v2", canary: ring("a") };
    const pinned = digestPinned(imageOf(spec), index);
    index.putImage({ ...pinned, status: { ...pinned.status, canariesDoneAt } });
    const image = index.image("fleet-default/os");
    if (image === undefined) throw new Error("the scene is wrong");
    const view = viewOf(index, image, nowMs, true);
    expect(standingOf(view, nowMs).gate.canariesOnly).toBeUndefined();
    const { status } = decide(view, [], nowMs);
    expect(status).toMatchObject({ canariesDoneAt, canariesDoneFor: canariesId(ring("a").selector) });
  });
});

it("tells a canary.selector whose label has no value from one that chooses everything", () => {
  const [none, empty] = [canariesId({ matchLabels: { first: null } }), canariesId({ matchLabels: { first: "" } })];
  expect(none).toBe(empty);
  expect(none).not.toBe(canariesId({ matchLabels: {} }));
});
