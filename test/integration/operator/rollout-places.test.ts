/** Where images apply: the operator's own cluster, and Fleet's clusters, where Fleet comes after the operator. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/global-setup.ts";
import { kubectl, kubectlApply } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { joinMachines } from "../../machine/join-machines.ts";
import { playMachine, type PlayedMachine } from "../../machine/played-machine.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { conditionOf, rolloutImages, type RolloutImages } from "../../operator/rollout-images.ts";
import { buildOsImage, imageReference, pushImage, startRegistry, type TestRegistry } from "../../registry/index.ts";

const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "places-"));
const machines: PlayedMachine[] = [];
const playing: Promise<void>[] = [];
// Its own: Fleet's kinds are missing in it at the beginning.
let controlPlane: ControlPlane;
let operator: OperatorProcess;
let registry: TestRegistry;
let osImage: string;
let local: RolloutImages;
let fleet: RolloutImages;

beforeAll(async () => {
  const [plane, started] = await Promise.all([
    startControlPlane({ folder: path.join(folder, "plane"), binariesFolder }),
    startRegistry({ folder: path.join(folder, "registry") }),
  ]);
  controlPlane = plane;
  registry = started;
  await pushImage(registry, "os", "v1", buildOsImage({ release: "IMAGE=v1\n", upgradeScript: "#!/bin/sh\n" }));
  osImage = imageReference(registry, "os", "v1");
  await applyCrds(controlPlane);
  for (const name of ["system", "fleet-local", "fleet-default"]) await createNamespace(controlPlane, name);
  const { kubeconfigPath } = controlPlane;
  const flags = [`--insecure-registry=${registry.host}`];
  const serverUrl = "https://rancher.example.com";
  operator = await startOperator({ folder, kubeconfigPath, namespace: "system", serverUrl, flags });
  const common = { httpsUrl: operator.httpsUrl, next: () => operator.httpUrl };
  const inFleet = ["one", "two", "three"].map((clusterName) => ({ clusterName }));
  machines.push(
    ...(await joinMachines(controlPlane, { ...common, namespace: "fleet-local", machines: [{ role: "server" }, {}] })),
    ...(await joinMachines(controlPlane, { ...common, namespace: "fleet-default", machines: inFleet })),
  );
  const play = { next: () => operator.httpUrl, askEveryMs: 200, phaseMs: 10, onDown: () => undefined };
  playing.push(...machines.map((machine) => playMachine(machine, play)));
  local = rolloutImages(controlPlane, "fleet-local");
  fleet = rolloutImages(controlPlane, "fleet-default");
});

afterAll(async () => {
  for (const machine of machines) machine.isOver = true;
  await Promise.all(playing);
  await operator.stop();
  await Promise.all([registry.stop(), controlPlane.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function label(cluster: string, env: string): Promise<void> {
  await kubectlApply(controlPlane, fleetObject("Cluster", "fleet-default", cluster, { env }));
}

function plansOf(at: number): number {
  return machines[at]?.plans.length ?? 0;
}

describe("an image of fleet-local", () => {
  it("is invalid with targets, in the words that Rancher's users know", async () => {
    await local.make("os", { osImage, targets: [{ clusterName: "local" }] });
    const found = await local.until("os", "Invalid", ({ state }) => state === "Invalid");
    expect(found.message).toBe("spec.targets should be empty if in the fleet-local namespace");
    expect(conditionOf(found, "Invalid")).toMatchObject({ status: "True", message: found.message });
    expect(machines.flatMap(({ plans }) => plans)).toEqual([]);
  });

  it("is for all machines of the namespace without any of Fleet's objects, and for no others", async () => {
    await local.change("os", { targets: null });
    const found = await local.until("os", "Complete", ({ state }) => state === "Complete");
    expect(found).toMatchObject({ total: 2, updated: 2, failed: 0, clusters: 1 });
    expect([0, 1, 2, 3, 4].map(plansOf)).toEqual([1, 1, 0, 0, 0]);
  });
});

describe("an image for Fleet's clusters", () => {
  it("is for no cluster where there is no Fleet, and says so", async () => {
    await fleet.make("by-name", { osImage, targets: [{ clusterName: "one" }] });
    const found = await fleet.until("by-name", "NoMachines", ({ state }) => state === "NoMachines");
    expect(found.message).toBe("spec.targets chooses no cluster");
    expect(conditionOf(found, "TargetsMatched")).toMatchObject({ status: "False", reason: "NoCluster" });
  });

  it("begins by itself once Fleet and its clusters are there", async () => {
    for (const crd of fleetCrds()) await kubectlApply(controlPlane, crd);
    await kubectl(controlPlane, ["wait", "--for=condition=Established", "crd", "clusters.fleet.cattle.io"]);
    for (const name of ["one", "two", "three"]) await label(name, "test");
    const found = await fleet.until("by-name", "Complete", ({ state }) => state === "Complete");
    expect(found).toMatchObject({ total: 1, updated: 1 });
    expect([2, 3, 4].map(plansOf)).toEqual([1, 0, 0]);
    await fleet.remove("by-name");
  });

  it("takes a cluster in when its labels come to match, and lets it go when they do not any more", async () => {
    await label("two", "production");
    await label("three", "staging");
    await fleet.make("by-label", { osImage, targets: [{ clusterSelector: { matchLabels: { env: "production" } } }] });
    const found = await fleet.until("by-label", "Complete", ({ state }) => state === "Complete");
    expect(found).toMatchObject({ total: 1, clusters: 1 });
    await label("three", "production");
    await fleet.until("by-label", "two clusters", ({ state, total }) => state === "Complete" && total === 2);
    await label("two", "test");
    const left = await fleet.until("by-label", "one cluster", ({ total }) => total === 1);
    expect(left).toMatchObject({ state: "Complete", updated: 1, clusters: 1, failed: 0 });
    expect([2, 3, 4].map(plansOf)).toEqual([1, 1, 1]);
    await fleet.remove("by-label");
  });

  it("follows ClusterGroups: by name, by their labels, and as their selectors change", async () => {
    const group = (env: string) =>
      fleetObject("ClusterGroup", "fleet-default", "shops", { kind: "shop" }, { selector: { matchLabels: { env } } });
    await kubectlApply(controlPlane, group("production"));
    await fleet.make("by-group", { osImage, targets: [{ clusterGroup: "shops" }], cloudConfig: { hostname: "shop" } });
    const named = await fleet.until("by-group", "Complete", ({ state }) => state === "Complete");
    expect(named).toMatchObject({ total: 1, clusters: 1 });
    await fleet.change("by-group", { targets: [{ clusterGroupSelector: { matchLabels: { kind: "shop" } } }] });
    await kubectlApply(controlPlane, group("test"));
    const moved = await fleet.until(
      "by-group",
      "Complete of two",
      ({ state, total }) => state === "Complete" && total === 2,
    );
    expect(moved).toMatchObject({ updated: 2, clusters: 2 });
    // Clusters one and two are `test` by now, three had been taken by the group before.
    expect([2, 3, 4].map(plansOf)).toEqual([2, 2, 2]);
  });
});
