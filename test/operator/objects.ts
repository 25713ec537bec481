/** The objects that operator tests make and look at. */
import { setTimeout as sleep } from "node:timers/promises";
import { adminClient } from "../control-plane/admin-client.ts";
import { isNotFound } from "../control-plane/api-client.ts";
import { collectionPath, findApiResource } from "../control-plane/api-resources.ts";
import { applyObjects } from "../control-plane/apply-objects.ts";
import { type KubectlTarget } from "../control-plane/kubectl.ts";

/** For what hangs: half of what a test has, and several times what anything takes on a machine that does nothing else. */
const DEADLINE_MS = 30_000;

/** Any object of the API server, as far as tests look into it. */
export interface AnyObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** Waits until the look gives something; tells what it last saw when it gives up. */
export async function eventually<Value>(
  look: () => Promise<Value | undefined>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<Value> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`gave up waiting: ${what}`);
    await sleep(50);
  }
}

/** @param kind  any name that kubectl knows it by */
export async function getObject(
  target: KubectlTarget,
  kind: string,
  namespace: string,
  name: string,
): Promise<AnyObject | undefined> {
  const client = await adminClient(target);
  const resource = await findApiResource(client, kind);
  return (await client.find(`${collectionPath(resource, namespace)}/${name}`)) as AnyObject | undefined;
}

/** @param kind  any name that kubectl knows it by */
export async function listObjects(
  target: KubectlTarget,
  kind: string,
  namespace: string,
): Promise<readonly AnyObject[]> {
  const client = await adminClient(target);
  const list = await client.get(collectionPath(await findApiResource(client, kind), namespace));
  // The API server writes null for an empty list of some kinds.
  return (list as { readonly items: readonly AnyObject[] | null }).items ?? [];
}

/** By RFC 7396: lists are replaced as a whole. @param kind  any name that kubectl knows it by */
export async function patchObject(
  target: KubectlTarget,
  kind: string,
  namespace: string,
  name: string,
  patch: object,
): Promise<void> {
  const client = await adminClient(target);
  await client.mergePatch(`${collectionPath(await findApiResource(client, kind), namespace)}/${name}`, patch);
}

/** The same for its status. */
export async function patchStatus(
  target: KubectlTarget,
  kind: string,
  namespace: string,
  name: string,
  status: object,
): Promise<void> {
  const client = await adminClient(target);
  const collection = collectionPath(await findApiResource(client, kind), namespace);
  await client.mergePatch(`${collection}/${name}/status`, { status });
}

/** Takes it away, and waits until it is gone: its finalizers may be somebody's to take away. */
export async function removeObject(
  target: KubectlTarget,
  kind: string,
  namespace: string,
  name: string,
): Promise<void> {
  const client = await adminClient(target);
  const path = `${collectionPath(await findApiResource(client, kind), namespace)}/${name}`;
  const { metadata } = (await client.get(path)) as AnyObject;
  await client.delete(path);
  await eventually(
    async () =>
      ((await client.find(path)) as AnyObject | undefined)?.metadata.uid === metadata.uid ? undefined : true,
    `${kind} ${name} is gone`,
  );
}

export async function listInventories(target: KubectlTarget, namespace: string): Promise<readonly AnyObject[]> {
  return listObjects(target, "machineinventories", namespace);
}

/** Takes all machines of the namespace away, and waits until they are gone. */
export async function removeInventories(target: KubectlTarget, namespace: string): Promise<void> {
  const client = await adminClient(target);
  const collection = collectionPath(await findApiResource(client, "machineinventories"), namespace);
  const present = await listInventories(target, namespace);
  const uids = new Set(present.map(({ metadata }) => metadata.uid));
  await Promise.all(
    present.map(async ({ metadata }) => {
      await client.delete(`${collection}/${metadata.name}`).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }),
  );
  // Their finalizers may be the operator's to take away.
  await eventually(async () => {
    const left = await listInventories(target, namespace);
    return left.some(({ metadata }) => uids.has(metadata.uid)) ? undefined : true;
  }, `the machines of ${namespace} are gone`);
}

export interface MadeRegistration {
  readonly token: string;
  readonly url: string;
}

/** Makes a MachineRegistration and waits for its URL. */
export async function makeRegistration(
  target: KubectlTarget,
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<MadeRegistration> {
  await applyObjects(target, {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineRegistration",
    metadata: { name, namespace },
    spec,
  });
  return eventually(async () => {
    const status = (await getObject(target, "machineregistration", namespace, name))?.status;
    const { registrationToken: token, registrationURL: url } = status ?? {};
    return typeof token === "string" && typeof url === "string" ? { token, url } : undefined;
  }, `the URL of MachineRegistration ${name}`);
}
