/** A namespace for one test file, emptied and removed afterwards. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { kubectl, kubectlApply, KubectlError, type KubectlTarget } from "./kubectl.ts";

/**
 * Gives the calling test file a namespace that nobody else uses, by hooks of that file: made before its first test,
 * removed after its last. Call it at the top of the file or of a `describe`; vitest ignores hooks that are made in hooks.
 * @param prefix  begins the name, for people who look into a stuck test
 * @returns       its name
 */
export function useNamespace(target: KubectlTarget, prefix = "test"): string {
  const name = inventName(prefix);
  beforeAll(() => createNamespace(target, name));
  afterAll(() => removeNamespace(target, name));
  return name;
}

/** @returns a name that is free */
export function inventName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString("hex")}`;
}

/** For a test that makes and removes its namespace itself. */
export async function createNamespace(target: KubectlTarget, name: string): Promise<void> {
  await kubectlApply(target, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
}

/**
 * Removes a namespace with all that is in it. A controller-manager may run or not, so this does what its namespace
 * controller does: delete the objects (without their finalizers, their controllers may be gone), then finalize.
 */
export async function removeNamespace(target: KubectlTarget, name: string): Promise<void> {
  const kinds = (await kubectl(target, ["api-resources", "--namespaced", "--verbs=list,delete,patch", "--output=name"]))
    .split("\n")
    .filter((kind) => kind !== "" && !kind.startsWith("events"));
  const inNamespace = `--namespace=${name}`;
  const found = await kubectl(target, ["get", kinds.join(","), inNamespace, "--output=name", "--ignore-not-found"]);
  const objects = found.split("\n").filter((object) => object !== "");
  if (objects.length > 0) {
    // At once: where no kubelet runs, nobody ends a pod that was given time to end.
    const now = ["--force", "--grace-period=0", "--wait=false", "--ignore-not-found"];
    await kubectl(target, ["delete", ...objects, inNamespace, ...now]);
  }
  await removeFinalizers(target, kinds, inNamespace);
  await kubectl(target, ["delete", "namespace", name, "--wait=false"]);
  const emptied = { apiVersion: "v1", kind: "Namespace", metadata: { name }, spec: { finalizers: [] } };
  const finalize = ["replace", `--raw=/api/v1/namespaces/${name}/finalize`, "--filename=-"];
  await unlessGone(kubectl(target, finalize, { input: JSON.stringify(emptied) }));
}

/** What the controllers of a controller-manager have removed meanwhile need not be removed again. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof KubectlError && /\(NotFound\)|could not find the requested resource/.test(error.stderr))) {
      throw error;
    }
  }
}

async function removeFinalizers(target: KubectlTarget, kinds: readonly string[], inNamespace: string): Promise<void> {
  const left = await kubectl(target, ["get", kinds.join(","), inNamespace, "--output=name", "--ignore-not-found"]);
  for (const object of left.split("\n").filter((object) => object !== "")) {
    const patch = JSON.stringify({ metadata: { finalizers: null } });
    await unlessGone(kubectl(target, ["patch", object, inNamespace, "--type=merge", `--patch=${patch}`]));
  }
}
