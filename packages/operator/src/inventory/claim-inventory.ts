/**
 * Gives a machine its MachineInventory: the one that is there, or a new one. Never two for one endorsement key, whatever
 * arrives at once on whatever replica; docs/decisions tells why this needs no lock.
 */
import { hasCode } from "@rancheros/protocol/errors";
import { InventoryError } from "./errors.ts";
import { inventoryEntry, type InventoryEntry } from "./inventory-entry.ts";
import { type InventoryIndex } from "./inventory-index.ts";

const NAMES_TO_TRY = 5;
/** A watch that shows nothing for so long is hardly coming back by itself: it is begun anew after half a minute. */
const SHOWN_DEADLINE_MS = 60_000;
const LONGEST_DEADLINE_MS = 600_000;
/** Somebody else's object is nobody's to hold here: who comes again reads it again. */
const NAMESAKE_DEADLINE_MS = 10_000;
/** Machines that are known to have been made here; of one more that comes again soon, one write more is needed. */
const OWN_LIMIT = 1_000;

/** What claiming needs of the API server. */
export interface InventoryStore {
  /** Makes the object; rejects with KUBERNETES_ALREADY_EXISTS where the name is taken. */
  create(object: NewInventory): Promise<unknown>;
  /** Reads the object, undefined where there is none. */
  read(namespace: string, name: string): Promise<unknown>;
  /** Deletes the object, if it still is the one of this uid. */
  delete(entry: InventoryEntry): Promise<void>;
  /**
   * The same, unless somebody has written to it since: whoever answered its machine has.
   * @returns what is there of it still; undefined where it is gone, or going
   */
  withdraw(entry: InventoryEntry): Promise<InventoryEntry | undefined>;
}

export interface NewInventory {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

export interface Claim {
  readonly entry: InventoryEntry;
  /** Whether this request made it. */
  readonly made: boolean;
  /** Another replica may have made it, and may take it back as long as nobody has written to it. */
  readonly isOfAnother?: boolean;
  /** Whether somebody has written to it since this request made it. */
  readonly isChanged?: boolean;
  /** Then the whole object as the API server took it, where the watch has shown that it is still so. */
  readonly object?: unknown;
}

export interface InventoryClaims {
  /**
   * Settles when it is certain what the machine has, and goes on where nobody waits for it any more: as long as the watch
   * is behind, or until an object that it never showed is gone again. A claim of the same machine joins it.
   * @param ekHash  proved by the challenge
   * @param build   the object to make, under the name of that attempt
   * @throws InventoryError, KubernetesError  all of them can be tried again
   */
  claim(ekHash: string, build: (attempt: number) => NewInventory): Promise<Claim>;
  /** Takes back what the watch has not shown yet: nobody would do it later. */
  stop(): Promise<void>;
}

function uncertain({ namespace, name }: NewInventory["metadata"], why: string): InventoryError {
  return new InventoryError("INVENTORY_UNCERTAIN", `MachineInventory ${namespace}/${name} ${why}`);
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
  /** By their uids. */
  const own = new Set<string>();
  let isStopping = false;

  /** What this replica has made and settled, nobody else takes back. */
  function settled(claim: Claim): Claim {
    own.add(claim.entry.metadata.uid);
    for (const first of own) {
      if (own.size <= OWN_LIMIT) break;
      own.delete(first);
    }
    return claim;
  }

  function found(entry: InventoryEntry): Claim {
    return { entry: usable(entry), made: false, isOfAnother: !own.has(entry.metadata.uid) };
  }

  async function isShown(entry: InventoryEntry, deadlineMs: number): Promise<boolean> {
    return index.shown(entry, isStopping ? 0 : deadlineMs);
  }

  /** The object of that name, if it is this machine's; undefined if it is another's. */
  async function ownNamesake(ekHash: string, wanted: NewInventory): Promise<InventoryEntry | undefined> {
    const { namespace, name } = wanted.metadata;
    const there = inventoryEntry(await store.read(namespace, name));
    // Gone again between the two requests: the machine's next try makes it.
    if (there === undefined) throw uncertain(wanted.metadata, "has just vanished");
    if (there.ekHash !== ekHash) return undefined;
    // Whether it stays is decided by what was stored before it, and that the index knows only then.
    if (!(await isShown(there, NAMESAKE_DEADLINE_MS))) throw uncertain(wanted.metadata, "is not in the watch yet");
    return index.named(there) ?? there;
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
        const there = await ownNamesake(ekHash, wanted);
        if (there !== undefined) return found(there);
      }
    }
    throw new InventoryError("INVENTORY_NO_NAME", `no name is free for the machine ${ekHash}`);
  }

  /**
   * An object that the watch never shows is one of which nobody can say whether it stays, so it goes again. It stays
   * where another replica, whose watch is ahead, has answered its machine meanwhile: then the watch will show it.
   */
  async function untilShown(entry: InventoryEntry): Promise<void> {
    let waitMs = SHOWN_DEADLINE_MS;
    while (!(await isShown(entry, waitMs))) {
      const left = await store.withdraw(entry).catch(() => entry);
      if (left === undefined || isStopping) throw uncertain(entry.metadata, "did not come back in the watch");
      waitMs = Math.min(LONGEST_DEADLINE_MS, waitMs * 2);
    }
  }

  /** Somebody may have made another one, under another name, a moment before ours: then theirs counts, and ours goes. */
  async function settle(ekHash: string, claim: Claim): Promise<Claim> {
    await untilShown(claim.entry);
    const { firstRevision } = claim.entry;
    const earlier = index.withEndorsementKey(ekHash).find((one) => one.firstRevision < firstRevision);
    if (earlier === undefined) return settled(asShown(claim));
    await store.delete(claim.entry);
    return found(earlier);
  }

  /** An admission policy of the cluster may have decided otherwise than what was sent: the watch tells. */
  function asShown({ entry, object }: Claim): Claim {
    const shown = index.named(entry);
    if (shown?.metadata.uid !== entry.metadata.uid) return { entry, made: true };
    const isAsSent = shown.metadata.resourceVersion === entry.metadata.resourceVersion;
    const isUnchanged = isAsSent && shown.approval === entry.approval;
    return { entry: usable(shown), made: true, isChanged: !isAsSent, ...(isUnchanged ? { object } : {}) };
  }

  async function claimNow(ekHash: string, build: (attempt: number) => NewInventory): Promise<Claim> {
    const [known] = index.withEndorsementKey(ekHash);
    if (known !== undefined) return found(known);
    const claim = await make(ekHash, build);
    return claim.made ? settle(ekHash, claim) : claim;
  }

  return {
    async claim(ekHash, build) {
      const before = underway.get(ekHash);
      if (before !== undefined) {
        const { entry, isOfAnother = false } = await before;
        return { entry, made: false, isOfAnother };
      }
      const mine = claimNow(ekHash, build).finally(() => underway.delete(ekHash));
      underway.set(ekHash, mine);
      return mine;
    },
    async stop() {
      isStopping = true;
      index.stopWaiting();
      await Promise.allSettled(underway.values());
    },
  };
}
