/** First objects: made where they are missing, as soon as that is possible, and nobody's but the user's afterwards. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, inject, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import { createNamespace, inventName, removeNamespace, useNamespace } from "../../control-plane/namespace.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "defaults");
const late = inventName("late");
const folder = mkdtempSync(path.join(tmpdir(), "defaults-"));
const defaultsFile = path.join(folder, "defaults.yaml");

const registration = (home: string, spec: object): string =>
  JSON.stringify({
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineRegistration",
    metadata: { name: "first", namespace: home },
    spec,
  });

function start(name: string): Promise<OperatorProcess> {
  return startOperator({
    folder,
    // The admin's: the chart could not give a right in a namespace that is not there.
    rights: "given",
    kubeconfigPath: target.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    name,
    flags: [`--defaults-file=${defaultsFile}`],
  });
}

const labelsOf = async (home: string): Promise<unknown> =>
  (await getObject(target, "mreg", home, "first"))?.spec["machineInventoryLabels"];

afterAll(async () => {
  await removeNamespace(target, late);
  rmSync(folder, { recursive: true, force: true });
});

it("they are made, one that cannot be made yet as soon as it can; that is said once", async () => {
  const documents = [late, namespace].map((home) => registration(home, { machineInventoryLabels: { site: "one" } }));
  writeFileSync(defaultsFile, documents.join("\n---\n"));
  const operator = await start("first");
  try {
    await eventually(async () => labelsOf(namespace), "the one whose namespace is there");
    // Long enough for some tries: 200 ms, 400 ms, 800 ms.
    await eventually(
      async () => (operator.log().includes("not made yet") ? true : undefined),
      "a word about the other",
    );
    const tries = (): number => operator.log().split("default object not made yet").length - 1;
    await createNamespace(target, late);
    await eventually(async () => labelsOf(late), "the other one");
    expect(tries()).toBe(1);
    expect(operator.log()).toContain(`namespaces \\"${late}\\" not found`);
  } finally {
    await operator.stop();
  }
});

it("they are left as people have changed them", async () => {
  const mine = JSON.stringify({ spec: { machineInventoryLabels: { site: "mine" } } });
  await kubectl(target, ["patch", "mreg/first", `--namespace=${namespace}`, "--type=merge", `--patch=${mine}`]);
  await kubectl(target, ["delete", "mreg/first", `--namespace=${late}`]);
  const operator = await start("again");
  try {
    expect(await eventually(async () => labelsOf(late), "the deleted one")).toEqual({ site: "one" });
    expect(await labelsOf(namespace)).toEqual({ site: "mine" });
  } finally {
    await operator.stop();
  }
});

it("a file that names something else keeps the operator from starting, and says where", async () => {
  writeFileSync(defaultsFile, registration(namespace, {}).replace("MachineRegistration", "Secret"));
  await expect(start("broken")).rejects.toThrow(
    /exit status 2.*Error: document 1: is no MachineRegistration.*DEFAULTS_INVALID/s,
  );
});
