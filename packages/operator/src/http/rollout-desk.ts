/** Where machines ask for their plan and say how far they are. */
import type { PlanAnswer, StatusAnswer, UpgradeStatus } from "@rancheros/protocol/upgrade";
import type { InventoryEntry } from "../inventory/index.ts";

/** What the rollouts say to a machine; see rollout/. */
export interface RolloutDesk {
  /** @throws KubernetesError and the errors of rollout/, of which some go well later */
  ask(entry: InventoryEntry): Promise<Pick<PlanAnswer, "plan" | "waiting" | "nextAskInSeconds">>;
  /** What the machine is to know when it has said how far it is, and how often that is written down. */
  told(
    entry: InventoryEntry,
    word: UpgradeStatus,
  ): Promise<Pick<StatusAnswer, "holdsSlot" | "nextStatusInSeconds"> & { readonly heardEveryMs: number }>;
}
