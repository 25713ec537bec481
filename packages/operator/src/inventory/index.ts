/** MachineInventories: found, claimed, settled, and told to their machines. */
export { createInventoryClaims } from "./claim-inventory.ts";
export type { Claim, InventoryClaims, InventoryStore, NewInventory } from "./claim-inventory.ts";
export { clusterTokenOf } from "./cluster-token-of.ts";
export type { ClusterTokens, TokenReference } from "./cluster-tokens.ts";
export { INVENTORY_ERRORS, InventoryError } from "./errors.ts";
export type { InventoryErrorCode } from "./errors.ts";
export { inventoryAnswer } from "./inventory-answer.ts";
export { InventoryIndex } from "./inventory-index.ts";
export type { InventoryEntry } from "./inventory-index.ts";
export { runInventoryController } from "./io/inventory-controller.ts";
export type { InventoryController } from "./io/inventory-controller.ts";
export { inventoryStore, readInventory } from "./io/inventory-store.ts";
export { TokenSecretIndex } from "./token-secret-index.ts";
