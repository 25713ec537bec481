/** Keeps a picture of all objects of a kind, through an API server that goes away and comes back. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api-client.ts";

const RETRY_MS = 200;

export interface FollowedObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
}

export interface Follower<Kind extends FollowedObject> {
  /** By uid. */
  readonly objects: ReadonlyMap<string, Kind>;
  /** Resolves when the first list is in. */
  readonly ready: Promise<void>;
  /** Resolves when the following has ended after its signal. */
  readonly ended: Promise<void>;
}

/**
 * @param path      of the collection, with selectors in its query
 * @param onChange  called for each object that is there, was changed, or (`gone`) is no more; must not throw
 */
export function follow<Kind extends FollowedObject>(
  client: ApiClient,
  path: string,
  onChange: (object: Kind, gone: boolean) => void,
  signal: AbortSignal,
): Follower<Kind> {
  const objects = new Map<string, Kind>();
  const { promise: ready, resolve } = Promise.withResolvers<void>();

  async function once(): Promise<void> {
    const list = (await client.get(path)) as { metadata: { resourceVersion: string }; items: Kind[] };
    const present = new Set(list.items.map(({ metadata }) => metadata.uid));
    for (const [uid, object] of objects) {
      if (present.has(uid)) continue;
      objects.delete(uid);
      onChange(object, true);
    }
    for (const object of list.items) objects.set(object.metadata.uid, object);
    for (const object of list.items) onChange(object, false);
    resolve();
    const from = `${path}${path.includes("?") ? "&" : "?"}resourceVersion=${list.metadata.resourceVersion}`;
    for await (const { type, object } of client.watch(from, signal)) {
      // Too old a version, for one: a new list starts afresh.
      if (type === "ERROR") return;
      if (type === "BOOKMARK") continue;
      const changed = object as Kind;
      if (type === "DELETED") objects.delete(changed.metadata.uid);
      else objects.set(changed.metadata.uid, changed);
      onChange(changed, type === "DELETED");
    }
  }

  async function untilEnded(): Promise<void> {
    while (!signal.aborted) {
      try {
        await once();
      } catch {
        // The API server is away, or we are ending.
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  return { objects, ready, ended: untilEnded() };
}
