/** What the answers of rancherd's protocol are made of. */
import type { EndorsementKeyPolicy } from "../attestation/index.ts";
import type {
  InventoryClaims,
  InventoryEntry,
  InventoryIndex,
  MachineRecords,
  TokenSecretIndex,
} from "../inventory/index.ts";
import type { Decide, Decision } from "./decision.ts";
import type { DoorParts } from "./door.ts";
import type { VisitGate } from "./visit-gate.ts";

/** A request, as far as machines' requests say anything. */
export interface MachineRequest {
  readonly method: string;
  readonly target: string;
  readonly authorization: string | undefined;
  /** X-Cattle-Smbios */
  readonly smbios: string | undefined;
  /** X-Cattle-Nonce */
  readonly nonce: string | undefined;
  readonly remoteAddress: string | undefined;
}

export interface EndpointParts extends DoorParts {
  readonly inventories: InventoryIndex;
  readonly tokenSecrets: TokenSecretIndex;
  readonly claims: InventoryClaims;
  readonly records: Pick<MachineRecords, "proveCertificate" | "smbios">;
  /** @throws SessionError SERVER_URL_NOT_SET, OPERATOR_NOT_READY */
  readonly serverUrl: () => string;
  /** The CAs by which machines know the server; undefined where they need none. @throws SessionError OPERATOR_NOT_READY */
  readonly caPem: () => string | undefined;
  /** The answer of /v1-rancheros/inventory for this machine. @throws InventoryError, KubernetesError */
  readonly inventoryAnswer: (entry: InventoryEntry) => Promise<string>;
  /** @throws SessionError OPERATOR_NOT_READY */
  readonly assertReady: () => void;
  /** Which weak endorsement keys are let in all the same. */
  readonly policy: Pick<EndorsementKeyPolicy, "acceptRoca" | "knownWeakHashes">;
  readonly random: (bytes: number) => Buffer;
  readonly gate: VisitGate;
  readonly decide: Decide;
}

/** What a visit is about; found out on its way. */
export interface Trace {
  ekHash?: string;
  akName?: string;
  registration?: NonNullable<Decision["registration"]>;
  inventory?: NonNullable<Decision["inventory"]>;
}

export function referenceOf({ namespace, name, uid }: { namespace: string; name: string; uid: string }) {
  return { namespace, name, uid };
}
