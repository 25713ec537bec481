/** What the operator remembers of one MachineInventory. */
import type { KubernetesObject } from "@kubernetes/client-node";
import type { Approval } from "@rancheros/protocol/attestation";
import { endorsementKeyHash, PROTOCOL_ANNOTATION, REGISTRATION_LABEL } from "@rancheros/protocol/resources";
import { approvalOf } from "./approval.ts";
import type { TokenReference } from "./cluster-tokens.ts";
import { statusUrgency, type StatusUrgency } from "./due-status.ts";
import { duplicateSaid } from "./duplicate.ts";
import { isRootMissing, recordedCertificate } from "./ek-certificate.ts";
import { rememberedChallenge, unnotedMetadata } from "./machine-status.ts";
import { readableInventory, type ReadableInventory } from "./readable-inventory.ts";
import { needsWork } from "./reconcile-inventory.ts";
import { rolloutFacts, type RolloutFacts } from "./rollout-facts.ts";
import { namedToken } from "./token-bond.ts";
import { taintFindings } from "./usable-taints.ts";

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
  /** Only there where the object cannot be read: then it says less than it may hold; see readable-inventory.ts. */
  readonly isUnreadable?: true;
  /** Only there where annotations do not say what is recorded of it. */
  readonly isUnnoted?: true;
  /** Only there where the root of that certificate is not recorded. */
  readonly isRootMissing?: true;
  /** Only there where its status says that another one is the machine's; see duplicate.ts. */
  readonly duplicateSaid?: string;
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

/** Of one that cannot be read, people are told. */
function isToSettle(read: ReadableInventory): boolean {
  return !read.ok || needsWork(read.inventory);
}

function marksOf(
  read: ReadableInventory,
): Pick<InventoryEntry, "isUnreadable" | "isUnnoted" | "isRootMissing" | "duplicateSaid"> {
  if (!read.ok) return { isUnreadable: true };
  const said = duplicateSaid(read.inventory);
  return {
    ...(said === undefined ? {} : { duplicateSaid: said }),
    ...(unnotedMetadata(read.inventory) === undefined ? {} : { isUnnoted: true }),
    ...(isRootMissing(read.inventory) ? { isRootMissing: true } : {}),
  };
}

/** Reads what is needed of an object of the API server; undefined where it is none. */
export function inventoryEntry(object: unknown): InventoryEntry | undefined {
  const metadata = child(object, "metadata");
  const spec = child(object, "spec");
  const [name, namespace, uid] = [text(metadata, "name"), text(metadata, "namespace"), text(metadata, "uid")];
  if (name === undefined || namespace === undefined || uid === undefined) return undefined;
  const [tpm, tpmHash] = [text(spec, "tpm"), text(spec, "tpmHash")];
  const resourceVersion = text(metadata, "resourceVersion") ?? "";
  const read = readableInventory(object);
  return {
    metadata: { name, namespace, uid, resourceVersion },
    firstRevision: Number(resourceVersion),
    createdAt: text(metadata, "creationTimestamp") ?? "",
    beingDeleted: text(metadata, "deletionTimestamp") !== undefined,
    needsWork: isToSettle(read),
    statusDue: read.ok
      ? statusUrgency(read.inventory, taintFindings(read.inventory, read.taintProblems ?? []))
      : undefined,
    ekHash: endorsementKeyHash({
      ...(tpm === undefined ? {} : { tpm }),
      ...(tpmHash === undefined ? {} : { tpmHash }),
    }),
    certificateSha256: read.ok ? recordedCertificate(read.inventory)?.certificateSha256 : undefined,
    challenge: read.ok ? rememberedChallenge(read.inventory) : undefined,
    tokenSecretName: text(spec, "machineTokenSecretName"),
    clusterToken: namedToken(child(object, "status")),
    approval: approvalOf(text(spec, "approval")),
    protocol: Number(text(child(metadata, "annotations"), PROTOCOL_ANNOTATION) ?? 0) || 0,
    registrationName: text(child(metadata, "labels"), REGISTRATION_LABEL),
    rollout: rolloutFacts(object),
    ...marksOf(read),
  };
}
