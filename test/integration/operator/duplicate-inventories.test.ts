/** A second MachineInventory for a machine that has one: two operators of one cluster, the real API server, a real rollout. */
import { randomBytes } from "node:crypto";
import { beforeAll, expect, inject, it } from "vitest";
import { REGISTRATION_LABEL } from "@rancheros/protocol/resources";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { fleetCrds, fleetObject } from "../../operator/fleet-crds.ts";
import { refusalOf, visitAttested } from "../../machine/attested-visit.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { useTwoReplicas } from "./two-replicas.ts";

const target = inject("controlPlane");
// Before the operators start.
beforeAll(async () => applyObjects(target, ...fleetCrds()));
const { used, newTpm, through } = useTwoReplicas(target, "duplicates");
const { namespace } = used;
const API_VERSION = "rancheros.cattle.io/v1";

async function duplicateOf(name: string, status: string): Promise<Readonly<Record<string, unknown>>> {
  return eventually(
    async () => {
      const conditions = (await getObject(target, "minv", namespace, name))?.status?.["conditions"] ?? [];
      const all = conditions as readonly Readonly<Record<string, unknown>>[];
      return all.find((one) => one["type"] === "Duplicate" && one["status"] === status);
    },
    `${name}: Duplicate=${status}`,
    60_000,
  );
}

async function totalIs(total: number): Promise<void> {
  await eventually(
    async () => {
      const status = (await getObject(target, "mosi", namespace, "os"))?.status;
      return status?.["total"] === total ? status : undefined;
    },
    `a rollout for ${total} machines`,
    60_000,
  );
}

it("is told so once, is waited for by no rollout, and is the machine's when the first one is deleted", async () => {
  const { token } = await used.makeDoor("open");
  const tpm = newTpm();
  const { machine } = await visitAttested(through(tpm, token));
  await kubectl(target, [
    "patch",
    "minv",
    machine.name,
    `--namespace=${namespace}`,
    "--type=merge",
    "-p",
    '{"spec":{"clusterName":"c1"}}',
  ]);
  // Kubernetes counts by seconds when something was made.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const spec = { clusterName: "c1" };
  await applyObjects(
    target,
    {
      apiVersion: API_VERSION,
      kind: "MachineInventory",
      metadata: { name: "copy", namespace },
      spec: { ...spec, tpm: tpm.ekHash },
    },
    {
      apiVersion: API_VERSION,
      kind: "MachineInventory",
      metadata: { name: "another", namespace },
      spec: { ...spec, tpm: randomBytes(32).toString("hex") },
    },
    fleetObject("Cluster", namespace, "c1"),
    {
      apiVersion: API_VERSION,
      kind: "ManagedOSImage",
      metadata: { name: "os", namespace },
      spec: { osImage: "localhost:1/os:v1", targets: [{ clusterName: "c1" }] },
    },
  );
  const said = await duplicateOf("copy", "True");
  expect(said).toMatchObject({ reason: "MadeLater" });
  expect(said["message"]).toContain(`MachineInventory ${namespace}/${machine.name} has the same endorsement key`);
  await totalIs(2);
  expect((await visitAttested(through(tpm, token))).machine.name).toBe(machine.name);
  const path = "{range .items[?(@.reason=='INVENTORY_DUPLICATE')]}{.regarding.name}{\"\\n\"}{end}";
  const events = await eventually(async () => {
    const found = await kubectl(target, [
      "get",
      "events.events.k8s.io",
      `--namespace=${namespace}`,
      `--output=jsonpath=${path}`,
    ]);
    return found.trim() === "" ? undefined : found.trim().split("\n");
  }, "the Event");
  expect(events).toEqual(["copy"]);

  await kubectl(target, ["delete", "minv", machine.name, `--namespace=${namespace}`]);
  expect(await duplicateOf("copy", "False")).toMatchObject({ reason: "MadeFirst" });
  await totalIs(2);
  expect((await visitAttested(through(tpm, token))).machine.name).toBe("copy");
});

it("takes no place that another registration has for a machine", async () => {
  const [{ token }, { token: last }] = [
    await used.makeDoor("wide"),
    await used.makeDoor("narrow", { token: { maxMachines: 1 } }),
  ];
  const tpm = newTpm();
  const { machine } = await visitAttested(through(tpm, token));
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const labels = { [REGISTRATION_LABEL]: "narrow" };
  const metadata = { name: "second", namespace, labels };
  await applyObjects(target, {
    apiVersion: API_VERSION,
    kind: "MachineInventory",
    metadata,
    spec: { tpm: tpm.ekHash },
  });
  expect((await duplicateOf("second", "True"))["message"]).toContain(machine.name);
  const next = newTpm();
  // The replica that is asked may see that status a moment later.
  await eventually(
    async () => visitAttested(through(next, last)).catch(() => undefined),
    "a place for another machine",
  );
  expect(await refusalOf(visitAttested(through(newTpm(), last)))).toContain("REGISTRATION_FULL");
});
