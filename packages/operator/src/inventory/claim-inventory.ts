/**
 * Gives a machine its MachineInventory: the one that is there, or a new one. Never two for one endorsement key, whatever
 * arrives at once on whatever replica; docs/decisions tells why this needs no lock.
 */
import { hasCode } from "@rancheros/protocol/errors";
import { InventoryError } from "./errors.ts";
import { inventoryEntry, type InventoryEntry } from "./inventory-entry.ts";
import { type InventoryIndex } from "./inventory-index.ts";

const NAMES_TO_TRY = 5;
const SHOWN_DEADLINE_MS = 5_000;

/** What claiming needs of the API server. */
export interface InventoryStore {
  /** Makes the object; rejects with KUBERNETES_ALREADY_EXISTS where the name is taken. */
  create(object: NewInventory): Promise<unknown>;
  /** Reads the object, undefined where there is none. */
  read(namespace: string, name: string): Promise<unknown>;
  /** Deletes the object, if it still is the one of this uid. */
  delete(entry: InventoryEntry): Promise<void>;
}

export interface NewInventory {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

export interface Claim {
  readonly entry: InventoryEntry;
  /** Whether this request made it. */
  readonly made: boolean;
  /** Then the whole object as the API server took it, where the watch has shown that it is still so. */
  readonly object?: unknown;
}

export interface InventoryClaims {
  /**
   * @param ekHash  proved by the challenge
   * @param build   the object to make, under the name of that attempt
   * @throws InventoryError, KubernetesError  all of them can be tried again
   */
  claim(ekHash: string, build: (attempt: number) => NewInventory): Promise<Claim>;
}

function usable(entry: InventoryEntry): InventoryEntry {
  if (!entry.beingDeleted) return entry;
  throw new InventoryError(
    "INVENTORY_BEING_DELETED",
    `MachineInventory ${entry.metadata.namespace}/${entry.metadata.name} is being deleted`,
  );
}

export function createInventoryClaims(index: InventoryIndex, store: InventoryStore): InventoryClaims {
  const underway = new Map<string, Promise<Claim>>();

  /** The object of that name, if it is this machine's; undefined if it is another's. */
  async function ownNamesake(ekHash: string, wanted: NewInventory): Promise<InventoryEntry | undefined> {
    const { namespace, name } = wanted.metadata;
    const there = inventoryEntry(await store.read(namespace, name));
    // Gone again between the two requests: the machine's next try makes it.
    if (there === undefined)
      throw new InventoryError("INVENTORY_UNCERTAIN", `MachineInventory ${namespace}/${name} has just vanished`);
    return there.ekHash === ekHash ? there : undefined;
  }

  async function make(ekHash: string, build: (attempt: number) => NewInventory): Promise<Claim> {
    for (let attempt = 0; attempt < NAMES_TO_TRY; attempt += 1) {
      const wanted = build(attempt);
      try {
        const object = await store.create(wanted);
        const made = inventoryEntry(object);
        if (made === undefined) throw new TypeError("the API server made an object without a name");
        return { entry: made, made: true, object };
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_ALREADY_EXISTS")) throw error;
        const own = await ownNamesake(ekHash, wanted);
        if (own !== undefined) return { entry: own, made: false };
      }
    }
    throw new InventoryError("INVENTORY_NO_NAME", `no name is free for the machine ${ekHash}`);
  }

  /** Somebody may have made another one, under another name, a moment before ours: then theirs counts, and ours goes. */
  async function settle(ekHash: string, claim: Claim): Promise<Claim> {
    if (!(await index.shown(claim.entry, SHOWN_DEADLINE_MS))) {
      throw new InventoryError(
        "INVENTORY_UNCERTAIN",
        `MachineInventory ${claim.entry.metadata.name} is not in the watch yet`,
      );
    }
    const { firstRevision } = claim.entry;
    const earlier = index.withEndorsementKey(ekHash).find((one) => one.firstRevision < firstRevision);
    if (earlier === undefined) return asShown(claim);
    await store.delete(claim.entry);
    return { entry: usable(earlier), made: false };
  }

  /** An admission policy of the cluster may have decided otherwise than what was sent: the watch tells. */
  function asShown({ entry, object }: Claim): Claim {
    const shown = index.named(entry);
    if (shown?.metadata.uid !== entry.metadata.uid) return { entry, made: true };
    const isAsSent = shown.metadata.resourceVersion === entry.metadata.resourceVersion;
    const isUnchanged = isAsSent && shown.approval === entry.approval;
    return { entry: usable(shown), made: true, ...(isUnchanged ? { object } : {}) };
  }

  async function claimNow(ekHash: string, build: (attempt: number) => NewInventory): Promise<Claim> {
    const [known] = index.withEndorsementKey(ekHash);
    if (known !== undefined) return { entry: usable(known), made: false };
    const claim = await make(ekHash, build);
    return claim.made ? settle(ekHash, claim) : { entry: usable(claim.entry), made: false };
  }

  return {
    async claim(ekHash, build) {
      const before = underway.get(ekHash);
      if (before !== undefined) return { entry: (await before).entry, made: false };
      const mine = claimNow(ekHash, build).finally(() => underway.delete(ekHash));
      underway.set(ekHash, mine);
      return mine;
    },
  };
}
