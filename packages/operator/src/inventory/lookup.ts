/** Entries by a key: mostly one of each, and thousands where all machines came through one registration. */
import type { InventoryEntry } from "./inventory-entry.ts";

export class Lookup {
  /** By key; several of one key by their uid. */
  readonly #entries = new Map<string, InventoryEntry | Map<string, InventoryEntry>>();

  /** Takes it in place of the one of the same uid. */
  put(key: string | undefined, entry: InventoryEntry): void {
    if (key === undefined) return;
    const { uid } = entry.metadata;
    const found = this.#entries.get(key);
    if (found instanceof Map) found.set(uid, entry);
    else if (found === undefined || found.metadata.uid === uid) this.#entries.set(key, entry);
    else {
      const both = new Map([
        [found.metadata.uid, found],
        [uid, entry],
      ]);
      this.#entries.set(key, both);
    }
  }

  remove(key: string | undefined, uid: string): void {
    const found = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || found === undefined) return;
    if (found instanceof Map) found.delete(uid);
    const isEmpty = found instanceof Map ? found.size === 0 : found.metadata.uid === uid;
    if (isEmpty) this.#entries.delete(key);
  }

  /** The machine has this key now, and had that one. */
  change(before: string | undefined, key: string | undefined, entry: InventoryEntry): void {
    if (before !== key) this.remove(before, entry.metadata.uid);
    this.put(key, entry);
  }

  get(key: string): readonly InventoryEntry[] {
    const found = this.#entries.get(key);
    if (found === undefined) return [];
    return found instanceof Map ? [...found.values()] : [found];
  }
}
