/** Rollouts over the real endpoints of two operators, with a real registry; what the API server stored is looked at. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import {
  connectKubernetes,
  loadKubeConfig,
  watchResource,
  type WatchHandle,
} from "../../../packages/operator/src/controller/index.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl, kubectlJson } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { joinMachines } from "../../machine/join-machines.ts";
import { playMachine, type PlayedMachine } from "../../machine/played-machine.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { conditionOf, rolloutImages } from "../../operator/rollout-images.ts";
import { buildOsImage, imageReference, pushImage, startRegistry, type TestRegistry } from "../../registry/index.ts";

const controlPlane = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "rollout-"));
const namespace = "rollout";
const operators: OperatorProcess[] = [];
const images = rolloutImages(controlPlane, namespace);
const playing: Promise<void>[] = [];
/** Every state of the image that was ever stored. */
const history: ManagedOSImageStatus[] = [];
let machines: readonly PlayedMachine[] = [];
let registry: TestRegistry;
let digests: readonly string[];
let watch: WatchHandle;
let turn = 0;
let mostDown = 0;

function next(): string {
  turn += 1;
  return operators[turn % operators.length]?.httpUrl ?? "";
}

const stands = (state: string, name = "os") => images.until(name, state, (found) => found.state === state);

beforeAll(async () => {
  registry = await startRegistry({ folder: path.join(folder, "registry") });
  digests = await Promise.all(
    ["v1", "v2"].map((tag) =>
      pushImage(registry, "os", tag, buildOsImage({ release: `IMAGE=${tag}\n`, upgradeScript: "#!/bin/sh\n" })),
    ),
  );
  await createNamespace(controlPlane, namespace);
  await applyObjects(controlPlane, ...fleetCrds());
  await applyObjects(controlPlane, fleetObject("Cluster", namespace, "c1", { env: "test" }));
  const start = (name: string): Promise<OperatorProcess> =>
    startOperator({
      folder,
      kubeconfigPath: controlPlane.kubeconfigPath,
      namespace,
      watchNamespace: namespace,
      name,
      serverUrl: "https://rancher.example.com",
      flags: [`--insecure-registry=${registry.host}`],
    });
  operators.push(...(await Promise.all([start("one"), start("two")])));
  const roles = ["server", "server", "agent", "agent", "agent"].map((role) => ({ clusterName: "c1", role }));
  const httpsUrl = operators[0]?.httpsUrl ?? "";
  machines = await joinMachines(controlPlane, { namespace, httpsUrl, next, machines: roles });
  const kubernetes = connectKubernetes(loadKubeConfig(controlPlane.kubeconfigPath));
  watch = watchResource(kubernetes, {
    path: `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/managedosimages`,
    keep: (object) => object as { metadata: { name: string; namespace: string }; status?: ManagedOSImageStatus },
    onChange: ({ metadata, status: found }) => {
      if (metadata.name === "os" && found !== undefined) history.push(found);
    },
    onDelete: () => undefined,
    onSynced: () => undefined,
    onTrouble: () => undefined,
    random: Math.random,
  });
  const play = {
    next,
    askEveryMs: 200,
    phaseMs: 30,
    onDown: () => {
      mostDown = Math.max(mostDown, machines.filter((one) => one.isDown).length);
    },
  };
  playing.push(...machines.map((machine) => playMachine(machine, play)));
});

afterAll(async () => {
  for (const machine of machines) machine.isOver = true;
  await Promise.all(playing);
  await watch.stop();
  await Promise.all(operators.map((one) => one.stop()));
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("a rollout", () => {
  it("is for no cluster while its targets are empty, and says so", async () => {
    const osImage = imageReference(registry, "os", "v1");
    await images.make("os", { osImage, concurrency: 2 });
    const found = await stands("NoMachines");
    expect(found.message).toBe("spec.targets is empty: the image is for no cluster");
    expect(conditionOf(found, "TargetsMatched")).toMatchObject({ status: "False", reason: "NoCluster" });
    expect(machines[0]?.last?.waiting?.reason).toBe("NoImage");
  });

  it("takes every machine to the digest of the tag, servers one by one and before the agents", async () => {
    await images.change("os", { targets: [{ clusterSelector: { matchLabels: { env: "test" } } }] });
    const found = await stands("Complete");
    expect(found).toMatchObject({ total: 5, updated: 5, updating: 0, failed: 0, pending: 0, digest: digests[0] });
    expect(found.reference).toBe(`${registry.host}/os@${digests[0]}`);
    for (const { plans } of machines) {
      expect(plans).toHaveLength(1);
      expect(plans[0]).toMatchObject({ reference: found.reference, version: "v1", id: found.plan, retry: false });
      expect(plans[0]?.upgrade).toMatchObject({ image: found.reference, command: ["/usr/sbin/suc-upgrade"] });
    }
    const grants = machines.map(({ plans }) => plans[0]?.attempt ?? 0);
    const inOrder = grants.toSorted((a, b) => a - b);
    expect(new Set(grants).size).toBe(5);
    const servers = grants.slice(0, 2).map((grant) => inOrder.indexOf(grant));
    // The second server waits for the first one; an agent may begin together with it.
    expect(Math.min(...servers)).toBe(0);
    expect(Math.max(...servers)).toBeLessThanOrEqual(2);
    expect(mostDown).toBeLessThanOrEqual(2);
    for (const { slots = [] } of history) {
      expect(slots.length).toBeLessThanOrEqual(2);
      expect(slots.filter(({ isServer }) => isServer === true).length).toBeLessThanOrEqual(1);
    }
  });

  it("writes nothing more once it is complete", async () => {
    const stored = async (): Promise<unknown> => (await getObject(controlPlane, "mosi", namespace, "os"))?.status;
    const complete = await stored();
    await expect.poll(() => history.at(-1), { message: "what the watch has told" }).toEqual(complete);
    const before = history.length;
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(history.length).toBe(before);
    expect(await stored()).toEqual(complete);
  });

  it("is shown by kubectl, and by Events of what happened", async () => {
    const shown = await kubectl(controlPlane, ["get", "mosi", "os", "-n", namespace]);
    expect(shown).toMatch(/Complete +5 +5 +0 +0 +0/);
    const events = (await kubectlJson(controlPlane, ["get", "events", "-n", namespace])) as {
      items: { reason: string; involvedObject: { kind: string } }[];
    };
    const reasons = events.items.filter((one) => one.involvedObject.kind === "ManagedOSImage").map((one) => one.reason);
    expect(reasons).toEqual(expect.arrayContaining(["SlotGranted", "Complete"]));
  });

  it("halts at the first machine that fails, and goes on when somebody asks to try it again", async () => {
    for (const machine of machines) machine.ending = "Failed";
    await images.change("os", { osImage: imageReference(registry, "os", "v2"), concurrency: 1 });
    const halted = await stands("Halted");
    expect(halted).toMatchObject({ failed: 1, updated: 0, digest: digests[1] });
    expect(halted.failures?.[0]).toMatchObject({ reason: "PLAYED", message: "the upgrade container ended with 1" });
    const failed = machines.find(({ name }) => name === halted.failures?.[0]?.machine);
    await eventually(async () => failed?.last?.waiting, "what the failed machine is told");
    expect(failed?.last?.waiting?.reason).toBe("FailedHere");
    expect(machines.filter(({ plans }) => plans.length > 1)).toEqual([failed]);
    for (const machine of machines) machine.ending = "Succeeded";
    const retry = "rancheros.cattle.io/retry-upgrade=once-more";
    await kubectl(controlPlane, ["annotate", "minv", failed?.name ?? "", "-n", namespace, retry]);
    const found = await stands("Complete");
    expect(found).toMatchObject({ updated: 5, failed: 0 });
    expect(found.failures ?? []).toEqual([]);
    expect(failed?.plans.at(-1)).toMatchObject({ retry: true });
  });

  it("survives the sudden end of an operator in the middle", async () => {
    history.length = 0;
    await images.change("os", { cloudConfig: { runcmd: ["true"] }, concurrency: "40%" });
    await eventually(async () => ((await images.status("os")).slots?.length ? true : undefined), "the first slot");
    const [victim] = operators.splice(0, 1);
    await victim?.kill();
    const found = await stands("Complete");
    expect(found).toMatchObject({ updated: 5, updating: 0 });
    expect(machines.every(({ plans }) => plans.filter(({ id }) => id === found.plan).length === 1)).toBe(true);
    expect(machines[0]?.plans.at(-1)?.cloudConfig).toBe('#cloud-config\nruncmd:\n  - "true"\n');
    for (const { slots = [] } of history) expect(slots.length).toBeLessThanOrEqual(2);
  });

  it("says what is wrong with an image that is not there, and nodes keep what they have", async () => {
    await images.change("os", { osImage: imageReference(registry, "os", "v9") });
    const found = await stands("Resolving");
    await eventually(async () => {
      const now = await images.status("os");
      return conditionOf(now, "Resolved")?.status === "False" ? true : undefined;
    }, "the condition");
    expect(conditionOf(await images.status("os"), "Resolved")?.reason).toBe("REGISTRY_NOT_FOUND");
    await eventually(
      async () => (machines[0]?.last?.waiting?.reason === "Unresolved" ? true : undefined),
      "Unresolved",
    );
    expect(found.updating).toBe(0);
  });

  it("names a bad field, and a Secret that is missing", async () => {
    const spec = {
      nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] },
      window: { startTime: "22:00", endTime: "4:00", timeZone: "Mars/Olympus" },
    };
    await images.change("os", spec);
    const found = await stands("Invalid");
    expect(found.message).toContain("spec.nodeSelector.matchExpressions[0]: In needs values");
    expect(found.message).toContain('spec.window.timeZone: "Mars/Olympus" is no time zone');
    const osImage = imageReference(registry, "os", "v1");
    await images.change("os", { nodeSelector: null, window: null, osImage, imagePullSecrets: [{ name: "nobody" }] });
    await eventually(async () => {
      const reason = conditionOf(await images.status("os"), "Resolved")?.reason;
      return reason === "ROLLOUT_REFERENCE_MISSING" ? true : undefined;
    }, "the missing Secret");
    expect((await images.status("os")).message).toContain(`there is no Secret ${namespace}/nobody`);
  });

  it("gives way to an older image, and names it", async () => {
    const spec = { osImage: imageReference(registry, "os", "v1"), targets: [{ clusterName: "c1" }] };
    await images.make("younger", spec);
    const found = await stands("Conflict", "younger");
    expect(found.message).toBe("5 machines belong to the older ManagedOSImage os");
    await kubectl(controlPlane, ["delete", "mosi", "os", "-n", namespace]);
    expect((await stands("Complete", "younger")).updated).toBe(5);
  });
});
