/** Gives a machine that comes through a registration its inventory, for as long as a visit has time to wait for it. */
import type { MachineRegistration } from "@rancheros/protocol/resources";
import {
  InventoryError,
  type Claim,
  type InventoryClaims,
  type InventoryEntry,
  type InventoryIndex,
  type NewInventory,
} from "../inventory/index.ts";
import type { RegistrationGate } from "../registration/index.ts";

/** Mostly it takes some milliseconds. Machines give up after 30 s. */
const PATIENCE_MS = 10_000;

export interface ClaimParts {
  readonly entrance: Pick<RegistrationGate<InventoryEntry>, "admit">;
  readonly inventories: Pick<InventoryIndex, "withEndorsementKey">;
  readonly claims: Pick<InventoryClaims, "claim">;
}

/**
 * @param ekHash  proved by the challenge
 * @param build   see InventoryClaims
 * @throws InventoryError  INVENTORY_UNCERTAIN where the watch is behind: it goes on, and the next visit joins it
 * @throws RegistrationRefusedError, KubernetesError
 */
export async function claimMachine(
  { entrance, inventories, claims }: ClaimParts,
  registration: MachineRegistration,
  ekHash: string,
  build: (attempt: number) => NewInventory,
): Promise<Claim> {
  const isKnown = inventories.withEndorsementKey(ekHash).length > 0;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new InventoryError("INVENTORY_UNCERTAIN", "the machine's MachineInventory is not in the watch yet"));
  }, PATIENCE_MS);
  try {
    const admitted = entrance.admit(registration, { ekHash, isKnown }, () => claims.claim(ekHash, build));
    return await Promise.race([admitted, late]);
  } finally {
    clearTimeout(timer);
  }
}
