/** What the operator remembers of all MachineInventories: enough to find one, and no more. */
import { ByNamespace } from "../controller/index.ts";
import { cacertsKeyId } from "../rancherd/index.ts";
import type { TokenReference } from "./cluster-tokens.ts";
import type { InventoryEntry } from "./inventory-entry.ts";
import { Lookup } from "./lookup.ts";
import { MachineTally, type MachineCount } from "./machine-tally.ts";
import { isUpgrading } from "./rollout-facts.ts";

function oldestFirst(a: InventoryEntry, b: InventoryEntry): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.metadata.uid < b.metadata.uid ? -1 : 1;
}

/** What names an object: of one name there is one at a time, whatever its uid. */
export interface NamedObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

type Key = string | undefined;

function secretKey(entry: InventoryEntry | undefined): Key {
  const name = entry?.tokenSecretName;
  return entry === undefined || name === undefined ? undefined : `${entry.metadata.namespace}/${name}`;
}

function registrationKey(entry: InventoryEntry | undefined): Key {
  const name = entry?.registrationName;
  return entry === undefined || name === undefined ? undefined : `${entry.metadata.namespace}/${name}`;
}

/** The index; every look-up costs the same whether there are ten machines or ten thousand. */
export class InventoryIndex {
  readonly #tally = new MachineTally();
  #upgradingCount = 0;
  readonly #byName = new ByNamespace<InventoryEntry>();
  readonly #byEk = new Lookup();
  readonly #bySecret = new Lookup();
  readonly #ekByKeyId = new Map<string, string>();
  readonly #byRegistration = new Lookup();
  /** By uid; told whether it was shown. */
  readonly #waiting = new Map<string, (isShown: boolean) => void>();

  /** How many machines wait for their approval. */
  get pendingCount(): number {
    return this.#tally.pendingCount;
  }

  /** How many machines there are of each approval and phase; of inventories with one endorsement key, the first one tells. */
  counts(): readonly MachineCount[] {
    return this.#tally.counts();
  }

  /** How many machines say that they are in the middle of an upgrade. */
  get upgradingCount(): number {
    return this.#upgradingCount;
  }

  get size(): number {
    return this.#byName.size;
  }

  all(): Iterable<InventoryEntry> {
    return this.#byName.all();
  }

  /** The object that has this name at present. */
  named({ metadata }: NamedObject): InventoryEntry | undefined {
    return this.#byName.get(metadata);
  }

  put(seen: InventoryEntry): void {
    const { uid } = seen.metadata;
    const old = this.named(seen);
    if (old !== undefined && old.metadata.uid !== uid) this.delete(old);
    // Deleted and made again while the watch was away: another object, first seen now.
    const before = old?.metadata.uid === uid ? old : undefined;
    const firstRevision = before?.firstRevision ?? seen.firstRevision;
    const entry = seen.firstRevision === firstRevision ? seen : { ...seen, firstRevision };
    const keys = new Set([before?.ekHash, entry.ekHash]);
    this.#count(keys, before, -1);
    this.#byName.set(entry.metadata, entry);
    this.#byEk.change(before?.ekHash, entry.ekHash, entry);
    this.#count(keys, entry, 1);
    if (before?.ekHash !== entry.ekHash) this.#changeKeyId(before?.ekHash, entry.ekHash);
    this.#bySecret.change(secretKey(before), secretKey(entry), entry);
    this.#byRegistration.change(registrationKey(before), registrationKey(entry), entry);
    this.#waiting.get(uid)?.(true);
  }

  delete(object: NamedObject): void {
    const old = this.named(object);
    if (old === undefined) return;
    const { uid } = old.metadata;
    this.#byName.delete(old.metadata);
    const keys = new Set([old.ekHash]);
    this.#count(keys, old, -1);
    this.#byEk.remove(old.ekHash, uid);
    this.#count(keys, undefined, 1);
    this.#changeKeyId(old.ekHash, undefined);
    this.#bySecret.remove(secretKey(old), uid);
    this.#byRegistration.remove(registrationKey(old), uid);
  }

  /** Once for each machine with one of these keys. @param keyless  is one by itself where it has no key */
  #count(keys: ReadonlySet<Key>, keyless: InventoryEntry | undefined, by: 1 | -1): void {
    for (const key of keys) {
      const machine = key === undefined && keyless?.ekHash === undefined ? keyless : this.firstWith(key);
      if (machine === undefined) continue;
      this.#tally.change(machine, by);
      if (isUpgrading(machine.rollout)) this.#upgradingCount += by;
    }
  }

  #changeKeyId(before: Key, ekHash: Key): void {
    if (before !== undefined && this.#byEk.get(before).length === 0) this.#ekByKeyId.delete(cacertsKeyId(before));
    if (ekHash !== undefined) this.#ekByKeyId.set(cacertsKeyId(ekHash), ekHash);
  }

  /** Machines with this endorsement key, the oldest first; more than one only where somebody made them by hand. */
  withEndorsementKey(ekHash: string): readonly InventoryEntry[] {
    const found = this.#byEk.get(ekHash);
    return found.length > 1 ? found.toSorted(oldestFirst) : found;
  }

  /** The one of them that is the machine's; all replicas find the same one. */
  firstWith(ekHash: string | undefined): InventoryEntry | undefined {
    return ekHash === undefined ? undefined : this.withEndorsementKey(ekHash)[0];
  }

  /** The first one with its endorsement key, where that is not this one. */
  firstBefore({ ekHash, metadata: { uid } }: InventoryEntry): InventoryEntry | undefined {
    const first = this.firstWith(ekHash);
    return first?.metadata.uid === uid ? undefined : first;
  }

  withTokenSecret(namespace: string, secretName: string): readonly InventoryEntry[] {
    return this.#bySecret.get(`${namespace}/${secretName}`);
  }

  /** Whether the status of another machine names this ClusterRegistrationToken. Looks at all of them. */
  isNamedByAnother({ namespace, name }: TokenReference, machine: { readonly uid: string }): boolean {
    for (const { metadata, clusterToken } of this.all()) {
      const isThis = clusterToken?.namespace === namespace && clusterToken.name === name;
      if (isThis && metadata.uid !== machine.uid) return true;
    }
    return false;
  }

  /** Machines that came through this MachineRegistration, by their label. */
  withRegistration(namespace: string, registrationName: string): readonly InventoryEntry[] {
    return this.#byRegistration.get(`${namespace}/${registrationName}`);
  }

  /**
   * Those of them that take a place of it: not where a status says that the machine is another one's. Before it does, whoever
   * made one of both may be about to take that one back.
   */
  countedThrough(namespace: string, registrationName: string): readonly InventoryEntry[] {
    return this.withRegistration(namespace, registrationName).filter(
      (one) => one.duplicateSaid === undefined || this.firstBefore(one) === undefined,
    );
  }

  withCacertsKeyId(keyId: string): readonly InventoryEntry[] {
    const ekHash = this.#ekByKeyId.get(keyId);
    return ekHash === undefined ? [] : this.#byEk.get(ekHash);
  }

  /**
   * Settles when the watch has shown this object. Since the watch shows objects in the order in which the API
   * server stored them, everything stored before it is in the index by then.
   * @returns false where that took longer than the deadline
   */
  async shown(entry: InventoryEntry, deadlineMs: number): Promise<boolean> {
    const { uid } = entry.metadata;
    if (this.named(entry)?.metadata.uid === uid) return true;
    return new Promise((resolve) => {
      const end = (isShown: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(uid);
        resolve(isShown);
      };
      const timer = setTimeout(end, deadlineMs, false);
      this.#waiting.set(uid, end);
    });
  }

  /** Whoever waits for an object is told that it was not shown. */
  stopWaiting(): void {
    for (const end of this.#waiting.values()) end(false);
  }
}
