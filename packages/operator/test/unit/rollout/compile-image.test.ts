import { describe, expect, it } from "vitest";
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { concurrencyOf, serversAwayAtMost } from "../../../src/rollout/amount.ts";
import { effectiveImage } from "../../../src/rollout/effective-image.ts";
import { NO_VERSIONS } from "../../../src/versions/index.ts";
import { compileImage, olderFirst } from "../../../src/rollout/compile-image.ts";

function compiled(spec: ManagedOSImageSpec, namespace = "fleet-default", more: object = {}) {
  const metadata = { name: "os", namespace, uid: "u", resourceVersion: "1", ...more };
  const object = { metadata, spec: { osImage: "registry:5000/os:v1", ...spec } };
  return compileImage(effectiveImage(object, NO_VERSIONS));
}

/** Kubernetes keeps what a schema does not name, and Pods have this. */
function secretVariable(name: string) {
  return { name, valueFrom: { secretKeyRef: { name: "s", key: "token" } } };
}

describe("a ManagedOSImage", () => {
  it("has the defaults of the document", () => {
    const image = compiled({});
    expect(image.problems).toEqual([]);
    expect(image).toMatchObject({ nodeTimeoutMs: 7_200_000, order: "ServersFirst", isSuspended: false });
    expect(concurrencyOf(image.concurrency, 10)).toBe(1);
    expect(image.failureBudget).toEqual({ kind: "count", count: 0 });
    expect(image.claim?.nodes({ any: "label" })).toBe(true);
    expect(image.claim?.hasTargets).toBe(false);
  });

  it.each<[string, ManagedOSImageSpec, string]>([
    ["osImage", { osImage: "Registry/UPPER:v1" }, "spec.osImage: repository"],
    ["an osImage that is missing", { osImage: "" }, "spec.osImage: is missing"],
    [
      "a ManagedOSVersion that is missing",
      { osImage: "", managedOSVersionName: "v1" },
      "spec.managedOSVersionName: there is no ManagedOSVersion fleet-default/v1",
    ],
    ["prepare without an image", { prepare: { command: ["true"] } }, "spec.prepare.image: is missing"],
    ["upgradeContainer.image", { upgradeContainer: { image: "a b" } }, "spec.upgradeContainer.image: "],
    [
      "a variable of prepare that comes from elsewhere",
      { prepare: { image: "a", envs: [{ name: "A" }, secretVariable("B")] } },
      "spec.prepare.envs[1].valueFrom: is not read, and B would be empty; use envFrom",
    ],
    [
      "a variable of upgradeContainer that comes from elsewhere",
      { upgradeContainer: { env: [secretVariable("TOKEN")] } },
      "spec.upgradeContainer.env[0].valueFrom: is not read, and TOKEN would be empty; use envFrom",
    ],
    ["nodeSelector", { nodeSelector: { matchLabels: { "a b": "" } } }, "spec.nodeSelector.matchLabels: "],
    ["targets", { targets: [{ clusterSelector: { matchLabels: { a: "x y" } } }] }, "spec.targets[0].clusterSelector"],
    [
      "clusterTargets by their own name",
      { clusterTargets: [{ clusterGroupSelector: { matchLabels: { a: "x y" } } }] },
      "spec.clusterTargets[0].clusterGroupSelector",
    ],
    [
      "canary.selector",
      { canary: { selector: { matchExpressions: [{ key: "a", operator: "In" }] } } },
      "spec.canary.selector",
    ],
    ["nodeTimeout", { nodeTimeout: "0" }, "spec.nodeTimeout: is not between one second and 30 days"],
  ])("names %s where it is bad", (_, spec, sentence) => {
    expect(compiled(spec).problems.join("; ")).toContain(sentence);
  });

  it("takes no targets for the local cluster, whose machines it is for", () => {
    const bad = compiled({ targets: [{ clusterName: "local" }] }, "fleet-local");
    expect(bad.problems).toEqual(["spec.targets should be empty if in the fleet-local namespace"]);
    expect(bad.claim).toBeUndefined();
    const good = compiled({ targets: [] }, "fleet-local");
    expect(good.problems).toEqual([]);
    expect(good.claim?.targets).toBeUndefined();
  });

  it("stays for those that it was for where its selector is none, and not for those of another image of its name", () => {
    const before = { image: compiled({ targets: [{ clusterName: "c" }] }) };
    const bad = { nodeSelector: { matchLabels: { "a b": "" } } };
    const again = (uid: string) => {
      const metadata = { name: "os", namespace: "fleet-default", uid, resourceVersion: "2" };
      return compileImage(effectiveImage({ metadata, spec: { osImage: "os:v2", ...bad } }, NO_VERSIONS), before);
    };
    expect(again("u").claim).toBe(before.image.claim);
    expect(again("another").claim).toBeUndefined();
    expect(again("u").claimProblems).toEqual(again("another").problems);
  });

  it("takes a canary without a selector for none", () => {
    expect(compiled({ canary: { selector: null } }).canary).toBeUndefined();
  });

  it("is older by its time, then by its uid", () => {
    const at = (uid: string, creationTimestamp: string) =>
      compiled({}, "n", { uid, creationTimestamp }).object.metadata;
    const [a, b, c] = [
      at("b", "2030-01-01T00:00:00Z"),
      at("a", "2030-01-01T00:00:01Z"),
      at("a", "2030-01-01T00:00:00Z"),
    ];
    expect([a, b, c].sort(olderFirst)).toEqual([c, a, b]);
  });
});

describe("amounts", () => {
  it.each<[number | string, number, number]>([
    [0, 10, 0],
    [3, 10, 3],
    ["0%", 1_000, 0],
    ["1%", 10, 1],
    ["25%", 10, 2],
    ["100%", 10, 10],
  ])("%s of %i machines is %i at a time", (concurrency, total, expected) => {
    expect(concurrencyOf(compiled({ concurrency }).concurrency, total)).toBe(expected);
  });

  it.each([
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 1],
    [5, 2],
    [7, 3],
  ])("of %i servers %i may be away", (servers, away) => {
    expect(serversAwayAtMost(servers)).toBe(away);
  });
});
