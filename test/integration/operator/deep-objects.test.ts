/** Objects nested as deeply as the API server takes them: each says so itself, and holds up no other. */
import { expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";

const target = inject("controlPlane");
const { namespace } = useOperator(target, "deep-objects");

const apiVersion = "rancheros.cattle.io/v1";
/** The API server reads 10,000 levels. */
const LEVELS = 9_000;

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
}

function image(name: string, spec: object): object {
  return { apiVersion, kind: "ManagedOSImage", metadata: { name, namespace }, spec: { targets: [], ...spec } };
}

async function stateOf(name: string, state: string): Promise<Readonly<Record<string, unknown>>> {
  return eventually(async () => {
    const { status } = (await getObject(target, "managedosimage", namespace, name)) ?? {};
    return status?.["state"] === state ? status : undefined;
  }, `${name} is ${state}`);
}

it("an image, and an image of a version, are invalid and say why; others are followed on", async () => {
  await applyObjects(target, image("before", { osImage: "127.0.0.1:1/os:1" }));
  await stateOf("before", "NoMachines");
  const spec = { version: "v1.0.0", metadata: { upgradeImage: "127.0.0.1:1/os:1", more: deep(LEVELS) } };
  await applyObjects(target, { apiVersion, kind: "ManagedOSVersion", metadata: { name: "deep", namespace }, spec });
  await applyObjects(target, image("of-version", { managedOSVersionName: "deep" }));
  await applyObjects(target, image("deep", { osImage: "127.0.0.1:1/os:1", cloudConfig: { more: deep(LEVELS) } }));
  await applyObjects(target, image("after", { osImage: "127.0.0.1:1/os:1" }));
  await stateOf("after", "NoMachines");
  expect((await stateOf("deep", "Invalid"))["message"]).toBe("spec.cloudConfig: is nested more than 100 levels deep");
  expect((await stateOf("of-version", "Invalid"))["message"]).toBe(
    "spec.managedOSVersionName: ManagedOSVersion deep: spec.metadata: is nested more than 100 levels deep",
  );
});
