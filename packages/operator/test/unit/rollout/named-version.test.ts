/** An image that names a ManagedOSVersion: what it is about then, and which machines may go there. */
import { describe, expect, it } from "vitest";
import { digestPinned } from "./digest-pinned.ts";
import type { ManagedOSImage, ManagedOSImageStatus, ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { compileImage } from "../../../src/rollout/compile-image.ts";
import { decide } from "../../../src/rollout/decide.ts";
import { effectiveImage } from "../../../src/rollout/effective-image.ts";
import type { RolloutMachine } from "../../../src/rollout/index.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { isToUpgrade } from "../../../src/rollout/turn.ts";
import { toldMachine } from "../../../src/rollout/told-machine.ts";
import { viewOf } from "../../../src/rollout/view-of.ts";
import { imageOf, NAMESPACE, versionOf } from "./image-of.ts";

const NOW_MS = Date.parse("2030-01-01T12:00:00Z");

function machine(name: string, osVersion: string | undefined): RolloutMachine {
  return {
    metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: {
      clusterName: "c1",
      role: "agent",
      labels: {},
      lastSeenMs: undefined,
      osVersion,
      retry: undefined,
      upgrade: undefined,
    },
  };
}

class World {
  readonly versions = new Map<string, ManagedOSVersionSpec>();
  readonly index = new RolloutIndex(
    { chosen: () => new Set(["c1"]), unclear: () => undefined },
    { find: (namespace, name) => this.versions.get(`${namespace}/${name}`) },
  );

  get state() {
    const state = this.index.image(`${NAMESPACE}/os`);
    if (state === undefined) throw new Error("there is no image");
    return state;
  }

  decide(...uids: readonly string[]) {
    const candidates = uids.flatMap((uid) => {
      const state = this.index.machine(uid);
      return state !== undefined && isToUpgrade(state) ? [{ machine: state.machine, cluster: "c1" }] : [];
    });
    return decide(viewOf(this.index, this.state, NOW_MS, true), candidates, NOW_MS);
  }
}

describe("an image that names a version", () => {
  const lookup = (spec: ManagedOSVersionSpec | undefined) => ({ find: () => spec });

  it("is about the version's image, and the container that carries it out", () => {
    const spec = versionOf("r.example.com/os:v2", { upgradeContainer: { command: ["/up"] } });
    const effective = effectiveImage(imageOf({ managedOSVersionName: "v2" }), lookup(spec));
    expect(effective.problems).toEqual([]);
    expect(effective.object.spec).toMatchObject({
      osImage: "r.example.com/os:v2",
      upgradeContainer: { command: ["/up"] },
    });
    expect(effective.source.spec.osImage).toBeUndefined();
  });

  it("has its own osImage and upgradeContainer first", () => {
    const spec = versionOf("r.example.com/os:v2", { upgradeContainer: { command: ["/up"] } });
    const own = { managedOSVersionName: "v2", upgradeContainer: { command: ["/own"] } };
    expect(effectiveImage(imageOf(own), lookup(spec)).object.spec.upgradeContainer).toEqual({ command: ["/own"] });
    const both = effectiveImage(imageOf({ ...own, osImage: "r.example.com/mine:v1" }), lookup(spec));
    expect(both.object.spec.osImage).toBe("r.example.com/mine:v1");
    expect(both.version).toBeUndefined();
  });

  it.each<[string, ManagedOSVersionSpec | undefined, string]>([
    ["is missing", undefined, "there is no ManagedOSVersion fleet-default/v2"],
    ["is a medium", { version: "v2.0.0", type: "iso", metadata: { uri: "x" } }, "ManagedOSVersion v2: it is a medium"],
    ["has no image", { version: "v2.0.0" }, "ManagedOSVersion v2: spec.metadata.upgradeImage is missing"],
  ])("is invalid where the version %s, and says only that", (_, spec, sentence) => {
    const { problems } = compileImage(effectiveImage(imageOf({ managedOSVersionName: "v2" }), lookup(spec)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`spec.managedOSVersionName: ${sentence}`);
  });

  it("goes on with the version that it began with where somebody deletes it", () => {
    const status = { version: { name: "v2", spec: versionOf("r.example.com/os:v2") } };
    const gone = effectiveImage(imageOf({ managedOSVersionName: "v2" }, status), lookup(undefined));
    expect(gone.object.spec.osImage).toBe("r.example.com/os:v2");
    const another = effectiveImage(imageOf({ managedOSVersionName: "v3" }, status), lookup(undefined));
    expect(another.problems).toEqual(["spec.managedOSVersionName: there is no ManagedOSVersion fleet-default/v3"]);
  });
});

describe("machines of an image that names a version", () => {
  function world(minVersion?: string, allowDowngrade = false): World {
    const made = new World();
    const more = minVersion === undefined ? {} : { minVersion };
    made.versions.set(`${NAMESPACE}/v2`, versionOf("r.example.com/os:v2.0.0", more));
    const spec = { managedOSVersionName: "v2", concurrency: 10, allowDowngrade };
    made.index.putImage(digestPinned(imageOf(spec), made.index));
    for (const [name, osVersion] of [
      ["old", "v0.9.0"],
      ["fit", "v1.5.0"],
      ["new", "v3.0.0"],
      ["mute", undefined],
    ] as const) {
      made.index.putMachine(machine(name, osVersion));
    }
    return made;
  }
  const ALL = ["uid-old", "uid-fit", "uid-new", "uid-mute"];

  it("are planned only where the path is allowed, and the status says why others are not", () => {
    const { granted, status } = world("v1.0.0").decide(...ALL);
    expect(granted.map((slot) => slot.machine)).toEqual(["fit"]);
    expect(status).toMatchObject({ total: 4, updating: 1, refused: 3, pending: 0, state: "Progressing" });
    expect(status.message).toContain("3 may not go there from what they run");
    const refused = status.conditions?.find(({ type }) => type === "PathRefused");
    expect(refused?.status).toBe("True");
    expect(refused?.message).toContain("old: the machine runs v0.9.0, and v2.0.0 takes machines from v1.0.0 on");
    expect(refused?.message).toContain("new: the machine runs v3.0.0, and v2.0.0 is older");
    expect(refused?.message).toContain("mute: the machine must run v1.0.0 or newer, and says nothing");
  });

  it("go back where allowDowngrade says so", () => {
    const { granted } = world(undefined, true).decide(...ALL);
    expect(granted.map((slot) => slot.machine).sort()).toEqual(["fit", "mute", "new", "old"]);
  });

  it("are planned once they run what is needed", () => {
    const one = world("v1.0.0");
    one.index.putMachine({
      ...machine("old", "v1.0.0"),
      metadata: { ...machine("old", "").metadata, resourceVersion: "2" },
    });
    expect(
      one
        .decide(...ALL)
        .granted.map((slot) => slot.machine)
        .sort(),
    ).toEqual(["fit", "old"]);
    expect(one.state.counts.refused).toBe(2);
  });

  it("are looked at again when the version changes", () => {
    const one = world("v1.0.0");
    expect(one.index.namingVersion(NAMESPACE, "v2")).toHaveLength(1);
    expect(one.index.namingVersion(NAMESPACE, "v3")).toHaveLength(0);
    one.versions.set(`${NAMESPACE}/v2`, versionOf("r.example.com/os:v2.0.0", { minVersion: "v0.1.0" }));
    one.index.putImage(one.state.image.source);
    expect(one.state.plan).toBeDefined();
    expect(
      one
        .decide(...ALL)
        .granted.map((slot) => slot.machine)
        .sort(),
    ).toEqual(["fit", "old"]);
    one.versions.set(`${NAMESPACE}/v2`, versionOf("r.example.com/os:v2.0.1"));
    one.index.putImage(one.state.image.source);
    expect(one.state.plan).toBeUndefined();
  });

  it("are held to the minVersion that was there last when the version is deleted", () => {
    const one = world("v1.0.0");
    const { status } = one.decide();
    expect(status.version).toEqual({ name: "v2", spec: one.versions.get(`${NAMESPACE}/v2`) });
    one.versions.set(`${NAMESPACE}/v2`, versionOf("r.example.com/os:v2.0.0", { minVersion: "v2.0.0" }));
    const { source } = one.state.image;
    const stored = (more: ManagedOSImageStatus, version: string): ManagedOSImage => ({
      ...source,
      metadata: { ...source.metadata, resourceVersion: version },
      status: more,
    });
    one.index.putImage(stored(status, "3"));
    const changed = one.decide();
    expect(changed.isChanged).toBe(true);
    one.index.putImage(stored(changed.status, "4"));
    expect(one.decide().isChanged).toBe(false);
    one.versions.clear();
    one.index.putImage(one.state.image.source);
    expect(one.decide(...ALL).granted).toEqual([]);
    expect(one.state.counts.refused).toBe(4);
  });

  it("are refused by nothing that was said of a version once the image is named by osImage", () => {
    const one = world("v1.0.0");
    const { status } = one.decide();
    const { source } = one.state.image;
    const renamed = (osImage: string, generation: number): ManagedOSImage => ({
      ...source,
      metadata: { ...source.metadata, resourceVersion: `${generation + 1}`, generation },
      spec: { ...source.spec, osImage },
      status,
    });
    const told = (image: ManagedOSImage): ManagedOSImageStatus => {
      one.index.putImage(image);
      return one.decide().status;
    };
    const types = (said: ManagedOSImageStatus) => said.conditions?.map(({ type }) => type);
    expect(types(status)).toContain("PathRefused");
    const next = told(digestPinned(renamed("r.example.com/os:v2.0.0", 2), one.index));
    expect(next).toMatchObject({ refused: 0 });
    expect(types(next)).not.toContain("PathRefused");
    expect(next).not.toHaveProperty("version");
    // Where the version is of no use for a while, nobody has said anything else.
    one.versions.set(`${NAMESPACE}/v2`, { version: "v2.0.0" });
    const unread = told(renamed("", 3));
    expect(types(unread)).toContain("PathRefused");
    expect(unread.version).toEqual(status.version);
  });

  it("keep their slots while the versions are not known yet", () => {
    const one = world();
    const { status } = one.decide("uid-fit");
    const { source } = one.state.image;
    const { version: _, ...others } = status;
    one.versions.clear();
    one.index.putImage({ ...source, metadata: { ...source.metadata, resourceVersion: "3" }, status: others });
    expect(one.state.plan).toBeUndefined();
    const [slot] = status.slots ?? [];
    if (slot === undefined) throw new Error("it has one");
    const word = { image: "os", plan: slot.plan, attempt: slot.attempt, phase: "Staging" } as const;
    const holds = (areVersionsKnown: boolean) =>
      toldMachine(one.index, machine("fit", "v1.5.0"), word, {
        isSynced: true,
        isUnread: false,
        areVersionsKnown,
        isFresh: false,
      }).holdsSlot;
    expect(holds(false)).toBe(true);
    expect(holds(true)).toBe(false);
  });

  it("are named in the same order whoever was heard of last", () => {
    const one = world("v1.0.0");
    const message = () => one.decide().status.conditions?.find(({ type }) => type === "PathRefused")?.message;
    const before = message();
    for (const again of [machine("new", "v3.0.0"), machine("mute", undefined)]) {
      one.index.putMachine({ ...again, metadata: { ...again.metadata, resourceVersion: "2" } });
    }
    expect(message()).toBe(before);
    expect(before).toMatch(/^mute: .*; new: .*; old: /);
  });

  it("are not let through by retry-upgrade where the path is refused", () => {
    const one = world("v1.0.0");
    const { plan } = one.state;
    const upgrade = { image: "os", plan: plan ?? "", attempt: 1, phase: "Failed" } as const;
    const said = { sinceMs: NOW_MS, heardMs: NOW_MS, reason: undefined, message: undefined };
    const failed = machine("old", "v0.9.0");
    one.index.putMachine({
      ...failed,
      metadata: { ...failed.metadata, resourceVersion: "2" },
      rollout: { ...failed.rollout, retry: "again", upgrade: { ...upgrade, ...said } },
    });
    expect(one.decide("uid-old").granted).toEqual([]);
    expect(one.state.counts.refused).toBe(3);
  });

  it("hold nobody up as canaries where they may not go there", () => {
    const one = world("v1.0.0");
    const { source } = one.state.image;
    const canary = { selector: { matchLabels: { canary: "yes" } } };
    one.index.putImage({
      ...source,
      metadata: { ...source.metadata, resourceVersion: "3", generation: 2 },
      spec: { ...source.spec, canary },
    });
    const labeled = (name: string, osVersion: string, phase: "Idle" | "Succeeded"): RolloutMachine => {
      const plain = machine(name, osVersion);
      const upgrade = { image: "os", plan: one.state.plan ?? "", attempt: 1, phase } as const;
      const said = { sinceMs: NOW_MS, heardMs: NOW_MS, reason: undefined, message: undefined };
      return {
        ...plain,
        metadata: { ...plain.metadata, resourceVersion: "2" },
        rollout: { ...plain.rollout, labels: { canary: "yes" }, upgrade: { ...upgrade, ...said } },
      };
    };
    one.index.putMachine(labeled("old", "v0.9.0", "Idle"));
    expect(one.decide().status.message).toContain("canary.selector matches no machine that may be upgraded");
    one.index.putMachine(labeled("good", "v2.0.0", "Succeeded"));
    expect(one.decide("uid-fit").granted).toHaveLength(1);
  });
});
