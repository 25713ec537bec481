/** What claims need of an API server, and a watch that a test can hold back. */
import { KubernetesError } from "../../../src/controller/errors.ts";
import type { InventoryStore } from "../../../src/inventory/claim-inventory.ts";
import { inventoryEntry, type InventoryEntry } from "../../../src/inventory/inventory-entry.ts";
import { InventoryIndex } from "../../../src/inventory/inventory-index.ts";

interface Stored {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
  readonly spec?: unknown;
  readonly status?: object;
}

/**
 * An API server for one kind: objects by name, growing revisions, and a watch for each replica that delivers in order
 * when told to. It does not imitate validation or lists.
 */
export class ApiServer {
  readonly objects = new Map<string, { uid: string; object: Stored }>();
  readonly #events: { type: "ADDED" | "MODIFIED" | "DELETED"; object: Stored }[] = [];
  readonly #replicas: { index: InventoryIndex; seen: number }[] = [];
  #revision = 100;
  created = 0;

  replica(): InventoryIndex {
    const index = new InventoryIndex();
    this.#replicas.push({ index, seen: 0 });
    return index;
  }

  add(namespace: string, name: string, tpm: string): void {
    this.#create({ metadata: { namespace, name }, spec: { tpm } });
  }

  #create(wanted: { metadata: { namespace: string; name: string }; spec?: unknown }): Stored {
    const key = `${wanted.metadata.namespace}/${wanted.metadata.name}`;
    if (this.objects.has(key)) throw new KubernetesError("KUBERNETES_ALREADY_EXISTS", key);
    this.#revision += 1;
    const uid = `uid-${this.#revision}`;
    const metadata = {
      ...wanted.metadata,
      uid,
      resourceVersion: String(this.#revision),
      creationTimestamp: "2026-01-01T00:00:00Z",
    };
    const object = { ...wanted, metadata };
    this.objects.set(key, { uid, object });
    this.#events.push({ type: "ADDED", object });
    this.created += 1;
    return object;
  }

  /** Somebody writes to the object. */
  change(key: string, status: object): void {
    const found = this.objects.get(key);
    if (found === undefined) throw new Error(`no ${key}`);
    this.#revision += 1;
    const metadata = { ...found.object.metadata, resourceVersion: String(this.#revision) };
    const object = { ...found.object, metadata, status };
    this.objects.set(key, { uid: found.uid, object });
    this.#events.push({ type: "MODIFIED", object });
  }

  #delete({ metadata: { namespace, name, uid, resourceVersion } }: InventoryEntry, isUnlessChanged: boolean): boolean {
    const key = `${namespace}/${name}`;
    const found = this.objects.get(key);
    if (found?.uid !== uid) return true;
    if (isUnlessChanged && found.object.metadata.resourceVersion !== resourceVersion) return false;
    this.objects.delete(key);
    this.#events.push({ type: "DELETED", object: found.object });
    return true;
  }

  deliver(replica: number, count = Number.POSITIVE_INFINITY): void {
    const to = this.#replicas[replica];
    if (to === undefined) return;
    for (let left = count; left > 0; left -= 1) {
      const event = this.#events[to.seen];
      if (event === undefined) return;
      to.seen += 1;
      const entry = inventoryEntry(event.object);
      if (entry === undefined) throw new Error("an object without a name");
      if (event.type === "DELETED") to.index.delete(entry);
      else to.index.put(entry);
    }
  }

  deliverAll(): void {
    for (const replica of this.#replicas.keys()) this.deliver(replica);
  }

  store(pause: () => Promise<void>): InventoryStore {
    return {
      create: async (wanted) => {
        await pause();
        const made = this.#create(wanted);
        await pause();
        return made;
      },
      read: async (namespace, name) => {
        await pause();
        return this.objects.get(`${namespace}/${name}`)?.object;
      },
      delete: async (entry) => {
        await pause();
        this.#delete(entry, false);
      },
      withdraw: async (entry) => {
        await pause();
        return this.#delete(entry, true)
          ? undefined
          : inventoryEntry(this.objects.get(`${entry.metadata.namespace}/${entry.metadata.name}`)?.object);
      },
    };
  }
}
