/** Objects that were stored before a rule of the CRDs that they break: what is written beside the broken field is taken. */
import { expect, it } from "vitest";
import { useOwnControlPlane } from "../../control-plane/own-control-plane.ts";
import { eventually } from "../../operator/objects.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const OBJECTS = "/apis/rancheros.cattle.io/v1/namespaces/default";
const LOOSE = {
  key: "'^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'",
  tpm: "'^[0-9a-f]{8,64}([.]{3})?$'",
};
const registration = {
  kind: "MachineRegistration",
  spec: { machineInventoryLabels: { "example..com/rack": "r1" }, machineInventoryAnnotations: { "a-.b/x": "x" } },
};
const machine = { kind: "MachineInventory", spec: { tpm: "ab".repeat(31) } };

const controlPlane = useOwnControlPlane("stored");

function create(plural: string, name: string, object: object): Promise<unknown> {
  return controlPlane().client.create(`${OBJECTS}/${plural}`, {
    apiVersion: "rancheros.cattle.io/v1",
    metadata: { name, namespace: "default" },
    ...object,
  });
}

/** @returns what puts the rules back */
async function loosen(plural: string): Promise<() => Promise<void>> {
  const at = `${CRDS}/${plural}.rancheros.cattle.io`;
  const strict = JSON.stringify(await controlPlane().client.get(at));
  const loose = strict
    .replaceAll(/key\.matches\('[^']*'\) && key\.indexOf\('\/'\) <= 253/g, () => `key.matches(${LOOSE.key})`)
    .replaceAll(/self\.tpm\.matches\('[^']*'\)/g, () => `self.tpm.matches(${LOOSE.tpm})`);
  expect(loose).not.toBe(strict);
  await controlPlane().client.replace(at, JSON.parse(loose) as object);
  return async () => {
    const { spec } = JSON.parse(strict) as { readonly spec: object };
    await controlPlane().client.mergePatch(at, { spec });
  };
}

// The rule for the keys is one of their field, that for the hash one of the whole spec.
it.each([
  [
    "machineregistrations",
    registration,
    { machineName: "m-" },
    { machineInventoryLabels: { "example..com/rack": "r2" } },
    { machineInventoryLabels: { "example..com/rack": null }, machineInventoryAnnotations: { "a-.b/x": null } },
  ],
  ["machineinventories", machine, {}, { clusterName: "c1" }, { tpm: "ab".repeat(32) }],
])(
  "%s take a status, labels and annotations, and a change that mends them",
  async (plural, object, other, worse, mended) => {
    await expect(create(plural, "refused", object)).rejects.toThrow("must be");
    const tighten = await loosen(plural);
    // The API server takes rules up a moment after it has said so.
    await eventually(async () => {
      await create(plural, "old", object).catch(() => undefined);
      return controlPlane()
        .client.get(`${OBJECTS}/${plural}/old`)
        .catch(() => undefined);
    }, "it is stored under the looser rules");
    await tighten();
    let tries = 0;
    await eventually(
      () =>
        create(plural, `try-${(tries += 1)}`, object).then(
          () => undefined,
          () => true,
        ),
      "the API server goes by the new rules",
    );

    const conditions = [
      { type: "Ready", status: "True", reason: "R", message: "", lastTransitionTime: "2026-01-02T03:04:05Z" },
    ];
    await controlPlane().client.mergePatch(`${OBJECTS}/${plural}/old/status`, { status: { conditions } });
    await controlPlane().client.mergePatch(`${OBJECTS}/${plural}/old`, {
      metadata: { annotations: { note: "n" }, labels: { l: "l" } },
    });
    await controlPlane().client.mergePatch(`${OBJECTS}/${plural}/old`, { spec: other });
    const stored = {
      metadata: { annotations: { note: "n" } },
      spec: { ...object.spec, ...other },
      status: { conditions },
    };
    expect(await controlPlane().client.get(`${OBJECTS}/${plural}/old`)).toMatchObject(stored);
    await expect(controlPlane().client.mergePatch(`${OBJECTS}/${plural}/old`, { spec: worse })).rejects.toThrow(
      "must be",
    );
    expect(await controlPlane().client.get(`${OBJECTS}/${plural}/old`)).toMatchObject(stored);
    await controlPlane().client.mergePatch(`${OBJECTS}/${plural}/old`, { spec: mended });
  },
);
