/** Where images apply: the operator's own cluster, and Fleet's clusters, where Fleet comes after the operator. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { pageCommands, runCommands } from "../../control-plane/page-commands.ts";
import { joinMachines } from "../../machine/join-machines.ts";
import { playMachine, type PlayedMachine } from "../../machine/played-machine.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";
import { conditionOf, rolloutImages, type RolloutImages } from "../../operator/rollout-images.ts";
import { buildOsImage, imageReference, pushImage, startRegistry, type TestRegistry } from "../../registry/index.ts";

const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "places-"));
const SERVER_URL = "https://rancher.example.com";
const machines: PlayedMachine[] = [];
const playing: Promise<void>[] = [];
// Its own: Fleet's kinds are missing in it at the beginning.
let controlPlane: ControlPlane;
let operator: OperatorProcess;
let registry: TestRegistry;
let flags: readonly string[];
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
  const image = buildOsImage({ release: "IMAGE=v1\n", upgradeScript: "#!/bin/sh\n" });
  for (const name of ["os", "rancher/os", "mirror/rancher/os"]) await pushImage(registry, name, "v1", image);
  osImage = imageReference(registry, "os", "v1");
  await applyCrds(controlPlane);
  for (const name of ["system", "fleet-local", "fleet-default"]) await createNamespace(controlPlane, name);
  const { kubeconfigPath } = controlPlane;
  flags = [`--insecure-registry=${registry.host}`, `--registry-mirror=docker.io=${registry.url}`];
  operator = await startOperator({ folder, kubeconfigPath, namespace: "system", serverUrl: SERVER_URL, flags });
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
  await applyObjects(controlPlane, fleetObject("Cluster", "fleet-default", cluster, { env }));
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

  it("keeps its machines where its selector becomes one that nobody can read, and goes on when that is mended", async () => {
    await local.change("os", { nodeSelector: { matchExpressions: [{ key: "pool", operator: "In" }] } });
    const told = await local.until("os", "Invalid", ({ state }) => state === "Invalid");
    expect(told).toMatchObject({
      message: "spec.nodeSelector.matchExpressions[0]: In needs values",
      total: 2,
      updated: 2,
    });
    expect(conditionOf(told, "TargetsMatched")).toMatchObject({ status: "Unknown", message: told.message });
    await local.make("younger", { osImage, cloudConfig: { hostname: "other" } });
    const younger = await local.until("younger", "Conflict", ({ state }) => state === "Conflict");
    expect(younger.message).toBe("2 machines belong to the older ManagedOSImage os");
    await local.remove("younger");
    await local.change("os", { nodeSelector: null });
    await local.until("os", "Complete again", ({ state }) => state === "Complete");
    expect([0, 1].map(plansOf)).toEqual([1, 1]);
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
    await applyObjects(controlPlane, ...fleetCrds());
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
    await applyObjects(controlPlane, group("production"));
    await fleet.make("by-group", { osImage, targets: [{ clusterGroup: "shops" }], cloudConfig: { hostname: "shop" } });
    const named = await fleet.until("by-group", "Complete", ({ state }) => state === "Complete");
    expect(named).toMatchObject({ total: 1, clusters: 1 });
    await fleet.change("by-group", { targets: [{ clusterGroupSelector: { matchLabels: { kind: "shop" } } }] });
    await applyObjects(controlPlane, group("test"));
    const moved = await fleet.until(
      "by-group",
      "Complete of two",
      ({ state, total }) => state === "Complete" && total === 2,
    );
    expect(moved).toMatchObject({ updated: 2, clusters: 2 });
    // Clusters one and two are `test` by now, three had been taken by the group before.
    expect([2, 3, 4].map(plansOf)).toEqual([2, 2, 2]);
  });

  it("keeps the clusters of a ClusterGroup whose selector becomes none, and gives them to no younger image", async () => {
    const shops = (selector: object) =>
      fleetObject("ClusterGroup", "fleet-default", "shops", { kind: "shop" }, { selector });
    await applyObjects(controlPlane, shops({ matchExpressions: [{ key: "env", operator: "in", values: ["test"] }] }));
    const told = await fleet.until("by-group", "Invalid", ({ state }) => state === "Invalid");
    expect(told.message).toMatch(
      /^ClusterGroup fleet-default\/shops: spec\.selector\.matchExpressions\[0\]: "in" is none/,
    );
    expect(told).toMatchObject({ total: 2, updated: 2, clusters: 2 });
    expect(conditionOf(told, "TargetsMatched")).toMatchObject({ status: "Unknown", message: told.message });
    await fleet.make("younger", { osImage, targets: [{ clusterSelector: {} }], suspend: true });
    const younger = await fleet.until("younger", "Suspended", ({ state }) => state === "Suspended");
    expect(younger).toMatchObject({ total: 1, clusters: 3 });
    await fleet.remove("younger");
    await applyObjects(controlPlane, shops({ matchLabels: { env: "test" } }));
    const mended = await fleet.until("by-group", "Complete again", ({ state }) => state === "Complete");
    expect(mended).toMatchObject({ total: 2, updated: 2, clusters: 2 });
    expect([2, 3, 4].map(plansOf)).toEqual([2, 2, 2]);
  });
});

describe("images that name no registry, where Rancher comes to have a default one", () => {
  const page = (words: string): string => pageCommands("install-operator.md", words);

  it("stay what they are with the reference that they had, as the page says: no machine does anything", async () => {
    await local.change("os", { osImage: "rancher/os:v1" });
    const before = await local.until(
      "os",
      "done from docker.io",
      ({ state, reference }) => state === "Complete" && reference?.startsWith("docker.io/") === true,
    );
    expect([0, 1].map(plansOf)).toEqual([2, 2]);
    await operator.stop();
    await applyObjects(controlPlane, ...rancherCrds());
    const value = `${registry.host}/mirror`;
    await applyObjects(controlPlane, rancherObject("Setting", undefined, "system-default-registry", { value }));

    const [first, , ...images] = (await runCommands(controlPlane, page("custom-columns"), { folder })).split("\n");
    expect(first).toBe(value);
    const row = images.find((line) => line.startsWith("fleet-local"))?.split(/ +/) ?? [];
    expect(row).toEqual(["fleet-local", "os", "rancher/os:v1", before.reference]);
    const [namespace = "", name = "", , reference = ""] = row;
    const patch = page("patch managedosimage NAME")
      .replace("NAMESPACE", namespace)
      .replace("NAME", name)
      .replace("REFERENCE", reference);
    expect(await runCommands(controlPlane, patch, { folder })).toContain("patched");

    const { kubeconfigPath } = controlPlane;
    operator = await startOperator({ folder, kubeconfigPath, namespace: "system", serverUrl: SERVER_URL, flags });
    const after = await local.until(
      "os",
      "looked at again",
      ({ observedGeneration }) => observedGeneration !== before.observedGeneration,
    );
    expect(after).toMatchObject({ state: "Complete", updated: 2, plan: before.plan, reference: before.reference });
    expect([0, 1].map(plansOf)).toEqual([2, 2]);
  });

  it("begin anew from that registry once their suspension is taken back", async () => {
    await local.change("os", { osImage: "rancher/os:v1", suspend: true });
    const suspended = await local.until("os", "Suspended", ({ state }) => state === "Suspended");
    expect(suspended.reference).toMatch(`${registry.host}/mirror/rancher/os@sha256:`);
    expect([0, 1].map(plansOf)).toEqual([2, 2]);
    await local.change("os", { suspend: false });
    await local.until("os", "Complete", ({ state, updated }) => state === "Complete" && updated === 2);
    expect([0, 1].map(plansOf)).toEqual([3, 3]);
    expect(machines[0]?.plans.at(-1)?.reference).toBe(suspended.reference);
  });
});
