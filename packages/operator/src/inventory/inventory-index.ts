/** What the operator remembers of all MachineInventories: enough to find one, and no more. */
import type { KubernetesObject } from "@kubernetes/client-node";
import type { Approval } from "@rancheros/protocol/attestation";
import {
  endorsementKeyHash,
  parseMachineInventory,
  PROTOCOL_ANNOTATION,
  REGISTRATION_LABEL,
} from "@rancheros/protocol/resources";
import { cacertsKeyId } from "../rancherd/index.ts";
import { approvalOf } from "./approval.ts";
import type { TokenReference } from "./cluster-tokens.ts";
import { statusUrgency, type StatusUrgency } from "./due-status.ts";
import { recordedCertificate } from "./ek-certificate.ts";
import { rememberedChallenge } from "./machine-status.ts";
import { MachineTally, type MachineCount } from "./machine-tally.ts";
import { needsWork } from "./reconcile-inventory.ts";
import { isUpgrading, rolloutFacts, type RolloutFacts } from "./rollout-facts.ts";
import { namedToken } from "./token-bond.ts";

/** One remembered MachineInventory; `metadata` has what list and watch need. */
export interface InventoryEntry extends KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly createdAt: string;
  /** The resource version at which it was first seen: numbers of one API server tell which object was stored earlier. */
  readonly firstRevision: number;
  readonly beingDeleted: boolean;
  /** Whether there is something to do for it in the cluster; see reconcile-inventory.ts. */
  readonly needsWork: boolean;
  /** Whether its status lacks something, and how soon it is to be written; see due-status.ts. */
  readonly statusDue: StatusUrgency | undefined;
  readonly ekHash: string | undefined;
  /** Of the certificate that its machine is bound to; see ek-certificate.ts. */
  readonly certificateSha256: string | undefined;
  /** The challenge that the machine used last. */
  readonly challenge: string | undefined;
  readonly tokenSecretName: string | undefined;
  /** The ClusterRegistrationToken that goes with it. */
  readonly clusterToken: TokenReference | undefined;
  readonly approval: Approval;
  /** Newest version of the protocol that the machine has used; 0 where nothing says so. */
  readonly protocol: number;
  /** Name of the MachineRegistration, in the same namespace, that it came through. */
  readonly registrationName: string | undefined;
  /** What rollouts need to know of it. */
  readonly rollout: RolloutFacts;
}

function text(holder: unknown, key: string): string | undefined {
  if (typeof holder !== "object" || holder === null) return undefined;
  const value: unknown = Reflect.get(holder, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

/** Reads what is needed of an object of the API server; undefined where it is none. */
export function inventoryEntry(object: unknown): InventoryEntry | undefined {
  const metadata = child(object, "metadata");
  const spec = child(object, "spec");
  const [name, namespace, uid] = [text(metadata, "name"), text(metadata, "namespace"), text(metadata, "uid")];
  if (name === undefined || namespace === undefined || uid === undefined) return undefined;
  const [tpm, tpmHash] = [text(spec, "tpm"), text(spec, "tpmHash")];
  const resourceVersion = text(metadata, "resourceVersion") ?? "";
  const parsed = parseMachineInventory(object);
  return {
    metadata: { name, namespace, uid, resourceVersion },
    firstRevision: Number(resourceVersion),
    createdAt: text(metadata, "creationTimestamp") ?? "",
    beingDeleted: text(metadata, "deletionTimestamp") !== undefined,
    // An object that the schema does not take has no next step.
    needsWork: parsed.ok && needsWork(parsed.value),
    statusDue: parsed.ok ? statusUrgency(parsed.value) : undefined,
    ekHash: endorsementKeyHash({
      ...(tpm === undefined ? {} : { tpm }),
      ...(tpmHash === undefined ? {} : { tpmHash }),
    }),
    certificateSha256: parsed.ok ? recordedCertificate(parsed.value)?.certificateSha256 : undefined,
    challenge: parsed.ok ? rememberedChallenge(parsed.value) : undefined,
    tokenSecretName: text(spec, "machineTokenSecretName"),
    clusterToken: namedToken(child(object, "status")),
    approval: approvalOf(text(spec, "approval")),
    protocol: Number(text(child(metadata, "annotations"), PROTOCOL_ANNOTATION) ?? 0) || 0,
    registrationName: text(child(metadata, "labels"), REGISTRATION_LABEL),
    rollout: rolloutFacts(object),
  };
}

/** Entries by a key, several where several objects say the same. */
class Lookup {
  readonly #entries = new Map<string, InventoryEntry[]>();

  add(key: string | undefined, entry: InventoryEntry): void {
    if (key === undefined) return;
    const found = this.#entries.get(key);
    if (found === undefined) this.#entries.set(key, [entry]);
    else found.push(entry);
  }

  remove(key: string | undefined, uid: string): void {
    const left = key === undefined ? undefined : this.#entries.get(key)?.filter((one) => one.metadata.uid !== uid);
    if (key === undefined || left === undefined) return;
    if (left.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, left);
  }

  get(key: string): readonly InventoryEntry[] {
    return this.#entries.get(key) ?? [];
  }
}

function oldestFirst(a: InventoryEntry, b: InventoryEntry): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.metadata.uid < b.metadata.uid ? -1 : 1;
}

/** What names an object: of one name there is one at a time, whatever its uid. */
export interface NamedObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

function nameOf(object: NamedObject): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}

/** The index; every look-up costs the same whether there are ten machines or ten thousand. */
export class InventoryIndex {
  readonly #tally = new MachineTally();
  #upgradingCount = 0;
  readonly #byName = new Map<string, InventoryEntry>();
  readonly #byEk = new Lookup();
  readonly #bySecret = new Lookup();
  readonly #byCacertsKeyId = new Lookup();
  readonly #byRegistration = new Lookup();
  readonly #waiting = new Map<string, () => void>();

  /** How many machines wait for their approval. */
  get pendingCount(): number {
    return this.#tally.pendingCount;
  }

  /** How many machines there are of each approval and phase. */
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
    return this.#byName.values();
  }

  /** The object that has this name at present. */
  named(object: NamedObject): InventoryEntry | undefined {
    return this.#byName.get(nameOf(object));
  }

  put(seen: InventoryEntry): void {
    const { uid, namespace } = seen.metadata;
    const old = this.#byName.get(nameOf(seen));
    // Deleted and made again while the watch was away: another object, first seen now.
    const firstRevision = old?.metadata.uid === uid ? old.firstRevision : seen.firstRevision;
    const entry = { ...seen, firstRevision };
    this.delete(entry);
    this.#byName.set(nameOf(entry), entry);
    this.#tally.add(entry);
    if (isUpgrading(entry.rollout)) this.#upgradingCount += 1;
    this.#byEk.add(entry.ekHash, entry);
    if (entry.ekHash !== undefined) this.#byCacertsKeyId.add(cacertsKeyId(entry.ekHash), entry);
    if (entry.tokenSecretName !== undefined) this.#bySecret.add(`${namespace}/${entry.tokenSecretName}`, entry);
    if (entry.registrationName !== undefined) {
      this.#byRegistration.add(`${namespace}/${entry.registrationName}`, entry);
    }
    this.#waiting.get(uid)?.();
    this.#waiting.delete(uid);
  }

  delete(object: NamedObject): void {
    const old = this.#byName.get(nameOf(object));
    if (old === undefined) return;
    const { uid, namespace } = old.metadata;
    this.#byName.delete(nameOf(object));
    this.#tally.remove(old);
    if (isUpgrading(old.rollout)) this.#upgradingCount -= 1;
    this.#byEk.remove(old.ekHash, uid);
    if (old.ekHash !== undefined) this.#byCacertsKeyId.remove(cacertsKeyId(old.ekHash), uid);
    if (old.tokenSecretName !== undefined) this.#bySecret.remove(`${namespace}/${old.tokenSecretName}`, uid);
    if (old.registrationName !== undefined) this.#byRegistration.remove(`${namespace}/${old.registrationName}`, uid);
  }

  /** Machines with this endorsement key, the oldest first; more than one only where somebody made them by hand. */
  withEndorsementKey(ekHash: string): readonly InventoryEntry[] {
    return [...this.#byEk.get(ekHash)].sort(oldestFirst);
  }

  withTokenSecret(namespace: string, secretName: string): readonly InventoryEntry[] {
    return this.#bySecret.get(`${namespace}/${secretName}`);
  }

  /** Machines that came through this MachineRegistration, by their label. */
  withRegistration(namespace: string, registrationName: string): readonly InventoryEntry[] {
    return this.#byRegistration.get(`${namespace}/${registrationName}`);
  }

  withCacertsKeyId(keyId: string): readonly InventoryEntry[] {
    return this.#byCacertsKeyId.get(keyId);
  }

  /**
   * Settles when the watch has shown this object. Since the watch shows objects in the order in which the API
   * server stored them, everything stored before it is in the index by then.
   * @returns false where that took longer than the deadline
   */
  async shown(entry: InventoryEntry, deadlineMs: number): Promise<boolean> {
    const { uid } = entry.metadata;
    if (this.#byName.get(nameOf(entry))?.metadata.uid === uid) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(uid);
        resolve(false);
      }, deadlineMs);
      this.#waiting.set(uid, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}
