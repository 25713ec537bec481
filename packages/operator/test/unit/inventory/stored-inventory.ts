/**
 * One MachineInventory in an API server that keeps nothing else: GET, and merge patches that need the version they were
 * made on. It knows no validation and no access rights; the real one is in test/integration/inventory.
 */
import { parseMachineInventory, type MachineInventory } from "@rancheros/protocol/resources";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { inventoryEntry, type InventoryEntry } from "../../../src/inventory/index.ts";

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 7396. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch;
  const result: Record<string, unknown> = { ...(isJson(target) ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

function parsed(object: unknown): MachineInventory {
  const result = parseMachineInventory(object);
  if (!result.ok) throw new KubernetesError("KUBERNETES_REFUSED", result.problems.join("; "));
  return result.value;
}

export class StoredInventory {
  /** As each write left it. */
  readonly versions: MachineInventory[] = [];
  isAway = false;
  #object: MachineInventory;
  #version = 1;

  constructor(status: MachineInventory["status"]) {
    const metadata = { name: "m1", namespace: "fleet-default", uid: "u1", resourceVersion: "1" };
    this.#object = { metadata, spec: { tpm: "ab".repeat(32) }, ...(status === undefined ? {} : { status }) };
  }

  get object(): MachineInventory {
    return this.#object;
  }

  /** What a watch that is not late shows. */
  entry(): InventoryEntry {
    const entry = inventoryEntry(this.#object);
    if (entry === undefined) throw new Error("it is an inventory");
    return entry;
  }

  send: Kubernetes["send"] = async ({ method, body }) => {
    await Promise.resolve();
    if (this.isAway) throw new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there");
    if (method === "GET") return this.#object;
    const { metadata = {}, ...rest } = isJson(body) ? body : {};
    const { resourceVersion } = isJson(metadata) ? metadata : {};
    if (resourceVersion !== undefined && resourceVersion !== this.#object.metadata.resourceVersion) {
      throw new KubernetesError("KUBERNETES_CONFLICT", "the object has been modified");
    }
    this.#version += 1;
    const next = parsed(merged(merged(this.#object, { metadata }), rest));
    this.#object = { ...next, metadata: { ...next.metadata, resourceVersion: String(this.#version) } };
    this.versions.push(this.#object);
    return this.#object;
  };
}
