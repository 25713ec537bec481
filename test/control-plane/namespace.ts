/** A namespace for one test file, emptied and removed afterwards. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { adminClient } from "./admin-client.ts";
import { ApiRefusal, isNotFound, type ApiClient } from "./api-client.ts";
import { collectionPath, listNames, readApiResources } from "./api-resources.ts";
import type { KubectlTarget } from "./kubectl.ts";

/** What is done to the objects of a namespace that is removed. */
const NEEDED = ["list", "delete", "patch"];

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

/** For a test that makes and removes its namespace itself; one that is there already stays as it is. */
export async function createNamespace(target: KubectlTarget, name: string): Promise<void> {
  try {
    await (
      await adminClient(target)
    ).create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  } catch (error) {
    if (!(error instanceof ApiRefusal && error.body.includes('"reason":"AlreadyExists"'))) throw error;
  }
}

/**
 * Removes a namespace with all that is in it. A controller-manager may run or not, so this does what its namespace
 * controller does: delete the objects (without their finalizers, their controllers may be gone), then finalize.
 */
export async function removeNamespace(target: KubectlTarget, name: string): Promise<void> {
  const client = await adminClient(target);
  const collections = (await readApiResources(client))
    .filter(
      ({ isNamespaced, plural, verbs }) =>
        isNamespaced && plural !== "events" && NEEDED.every((verb) => verbs.includes(verb)),
    )
    .map((resource) => collectionPath(resource, name));
  // At once: where no kubelet runs, nobody ends a pod that was given time to end.
  const now = { gracePeriodSeconds: 0, propagationPolicy: "Background" };
  const left = await inEach(client, collections, async (object) => client.delete(object, now));
  // What is still there has finalizers.
  await inEach(client, left, async (object) => client.mergePatch(object, { metadata: { finalizers: null } }));
  const namespace = `/api/v1/namespaces/${name}`;
  await client.delete(namespace);
  const emptied = { apiVersion: "v1", kind: "Namespace", metadata: { name }, spec: { finalizers: [] } };
  await unlessGone(client.replace(`${namespace}/finalize`, emptied));
}

/** @returns the collections that had objects */
async function inEach(
  client: ApiClient,
  collections: readonly string[],
  work: (object: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const found = await Promise.all(
    collections.map(async (collection) => {
      const names = (await listNames(client, collection)).map(({ metadata }) => metadata.name);
      await Promise.all(names.map(async (name) => unlessGone(work(`${collection}/${name}`))));
      return names.length > 0 ? [collection] : [];
    }),
  );
  return found.flat();
}

/** What the controllers of a controller-manager have removed meanwhile need not be removed again. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
