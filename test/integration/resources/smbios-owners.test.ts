/** Who owns an inventory's SMBIOS: one for all of it. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useOwnControlPlane } from "../../control-plane/own-control-plane.ts";
import { eventually } from "../../operator/objects.ts";

const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/machineinventories.rancheros.cattle.io";
const MACHINES = "/apis/rancheros.cattle.io/v1/namespaces/default/machineinventories";
const OPERATOR = "fieldManager=rancheros-operator";
const SMBIOS = {
  "System Information": { Manufacturer: "Example", "Serial Number": "S-1" },
  "Memory Device": [{ Size: "32 GB" }, { Size: "None" }],
};

const controlPlane = useOwnControlPlane("owners");

function machine(name: string, smbios: object) {
  return {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineInventory",
    metadata: { name, namespace: "default" },
    spec: { tpm: createHash("sha256").update(name).digest("hex"), smbios },
  };
}

/** managedFields of what is between `spec` and `smbios`, by manager. */
async function smbiosOwned(name: string): Promise<Record<string, unknown>> {
  const { metadata } = (await controlPlane().client.get(`${MACHINES}/${name}`)) as {
    metadata: {
      managedFields: { manager: string; subresource?: string; fieldsV1: Record<string, Record<string, unknown>> }[];
    };
  };
  return Object.fromEntries(
    metadata.managedFields
      .filter(({ subresource }) => subresource === undefined)
      .map(({ manager, fieldsV1 }) => [manager, fieldsV1["f:spec"]?.["f:smbios"]]),
  );
}

function apply(name: string, smbios: object): Promise<string> {
  const input = JSON.stringify(machine(name, smbios));
  return kubectl(controlPlane().target, ["apply", "--server-side", "--field-manager=somebody", "--filename=-"], {
    input,
  });
}

/** As an older version of the chart had the kind, and as it is. */
async function setMapType(mapType: "atomic" | "granular", isTaken: (owned: object) => boolean): Promise<void> {
  const crd = JSON.stringify(await controlPlane().client.get(CRD));
  const other = mapType === "atomic" ? "granular" : "atomic";
  await controlPlane().client.replace(
    CRD,
    JSON.parse(crd.replace(`"x-kubernetes-map-type":"${other}"`, `"x-kubernetes-map-type":"${mapType}"`)) as object,
  );
  let tries = 0;
  // The API server takes it up a moment after it has said so.
  await eventually(async () => {
    const name = `try-${mapType}-${String((tries += 1))}`;
    await controlPlane().client.create(`${MACHINES}?${OPERATOR}`, machine(name, SMBIOS));
    const { "rancheros-operator": owned } = await smbiosOwned(name);
    return isTaken(Object(owned) as object) ? true : undefined;
  }, `the API server goes by ${mapType}`);
}

it("is one field, which the operator has as a whole", async () => {
  await controlPlane().client.create(`${MACHINES}?${OPERATOR}`, machine("a1", SMBIOS));
  expect(await smbiosOwned("a1")).toEqual({ "rancheros-operator": {} });
  await expect(apply("a1", { "System Information": { Manufacturer: "Other" } })).rejects.toThrow(".spec.smbios");
  await apply("a1", SMBIOS);
  expect(await smbiosOwned("a1")).toEqual({ "rancheros-operator": {}, somebody: {} });
});

it("stays as it was where an older version of the kind had an owner for each key, and still is the operator's", async () => {
  await setMapType("granular", (owned) => Object.keys(owned).length > 0);
  await controlPlane().client.create(`${MACHINES}?${OPERATOR}`, machine("b1", SMBIOS));
  const { "rancheros-operator": before } = await smbiosOwned("b1");
  expect(before).toMatchObject({ "f:System Information": { "f:Manufacturer": {} } });
  await setMapType("atomic", (owned) => Object.keys(owned).length === 0);

  const lastSeen = "2026-01-02T03:04:05Z";
  await controlPlane().client.mergePatch(`${MACHINES}/b1/status?${OPERATOR}`, { status: { lastSeen } });
  expect(await controlPlane().client.get(`${MACHINES}/b1`)).toMatchObject({
    spec: { smbios: SMBIOS },
    status: { lastSeen },
  });
  const system = { ...SMBIOS["System Information"], Family: "F" };
  await controlPlane().client.mergePatch(`${MACHINES}/b1?${OPERATOR}`, {
    spec: { smbios: { "System Information": system } },
  });
  const changed = { ...SMBIOS, "System Information": system };
  expect(await controlPlane().client.get(`${MACHINES}/b1`)).toMatchObject({ spec: { smbios: changed } });

  await expect(apply("b1", { "System Information": { Manufacturer: "Other" } })).rejects.toThrow(".spec.smbios");
  await apply("b1", changed);
  expect(await controlPlane().client.get(`${MACHINES}/b1`)).toMatchObject({
    spec: { smbios: changed },
    status: { lastSeen },
  });
});
