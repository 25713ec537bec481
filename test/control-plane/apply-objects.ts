/** Makes objects, or changes them to what is given, in this process: for tests that are about something else than kubectl. */
import { setTimeout as sleep } from "node:timers/promises";
import { adminClient } from "./admin-client.ts";
import { ApiRefusal, isNotFound, type ApiClient } from "./api-client.ts";
import { collectionPath, findApiResourceOf } from "./api-resources.ts";
import type { KubectlTarget } from "./kubectl.ts";

const FIELD_MANAGER = "test";
const CRD = "CustomResourceDefinition";
/** A kind is served a moment after its CRD was made, and a moment after the API server has said so. */
const SERVED_MS = 15_000;
const LOOK_MS = 50;

export interface AppliedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/**
 * Applies them one after the other, on the side of the server: what an object had from here before and has no more is taken
 * away, fields of others stay. Unknown fields are refused, as kubectl does it. Kinds that CRDs make are served afterwards.
 * @throws ApiRefusal  with the API server's words
 */
export async function applyObjects(target: KubectlTarget, ...objects: readonly object[]): Promise<void> {
  const client = await adminClient(target);
  const paths: string[] = [];
  for (const object of objects as readonly AppliedObject[]) {
    const path = await applyObject(client, object);
    if (object.kind === CRD) paths.push(path);
  }
  for (const path of paths) await untilEstablished(client, path);
}

/** @returns where it is */
async function applyObject(client: ApiClient, object: AppliedObject): Promise<string> {
  const { apiVersion, kind, metadata } = object;
  const deadlineMs = performance.now() + SERVED_MS;
  for (;;) {
    const resource = await findApiResourceOf(client, apiVersion, kind);
    if (resource !== undefined) {
      const path = `${collectionPath(resource, metadata.namespace ?? "default")}/${metadata.name}`;
      try {
        await client.apply(path, object, FIELD_MANAGER);
        return path;
      } catch (error) {
        const isNotServed = error instanceof ApiRefusal && error.status === 404 && !isNotFound(error);
        if (!isNotServed || performance.now() > deadlineMs) throw error;
      }
    } else if (performance.now() > deadlineMs) throw new Error(`the API server has no ${kind} of ${apiVersion}`);
    await sleep(LOOK_MS);
  }
}

interface Established {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function untilEstablished(client: ApiClient, path: string): Promise<void> {
  const deadlineMs = performance.now() + SERVED_MS;
  for (;;) {
    const { status } = (await client.get(path)) as Established;
    if (status?.conditions?.some((one) => one.type === "Established" && one.status === "True") === true) return;
    if (performance.now() > deadlineMs) throw new Error(`${path} is not established`);
    await sleep(LOOK_MS);
  }
}
