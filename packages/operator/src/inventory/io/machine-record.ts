/** Writes what machines prove and report into their MachineInventories. */
import type { MachineReport } from "@rancheros/protocol/attestation";
import { hasCode } from "@rancheros/protocol/errors";
import type { MachineInventory } from "@rancheros/protocol/resources";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import type { Kubernetes } from "../../controller/index.ts";
import { isLaterChallenge, challengeText } from "../challenge-order.ts";
import { InventoryError } from "../errors.ts";
import type { InventoryEntry } from "../inventory-index.ts";
import {
  chosenMetadata,
  provedMetadata,
  provedStatus,
  rememberedChallenge,
  reportedStatus,
  type ChosenMetadata,
  type MachineProof,
} from "../machine-status.ts";
import { isUpgradeWordDue, upgradeStatus } from "../upgrade-status.ts";
import { patchInventory, readInventory } from "./inventory-store.ts";

const TRIES = 5;

export interface MachineRecords {
  /**
   * Uses the challenge up and writes down what was proved.
   * @param made  whether this very answer made the object, which remembers the challenge then
   * @returns     the object as it is now
   * @throws InventoryError CHALLENGE_USED, INVENTORY_UNCERTAIN; KubernetesError
   */
  prove(entry: InventoryEntry, proof: MachineProof, made: boolean, chosen?: ChosenMetadata): Promise<MachineInventory>;
  /** Writes down what was reported, where that is due. @returns the object @throws InventoryError, KubernetesError */
  report(entry: InventoryEntry, report: MachineReport, chosen: ChosenMetadata): Promise<MachineInventory>;
  /**
   * Writes down how far the machine's upgrade is, where that is due.
   * @param heardEveryMs  see isUpgradeWordDue
   * @throws InventoryError, KubernetesError
   */
  upgrade(entry: InventoryEntry, word: UpgradeStatus, heardEveryMs: number): Promise<void>;
}

function nameOf(entry: InventoryEntry): string {
  return `${entry.metadata.namespace}/${entry.metadata.name}`;
}

export function machineRecords(kubernetes: Kubernetes): MachineRecords {
  async function fresh(entry: InventoryEntry): Promise<MachineInventory> {
    const { namespace, name, uid } = entry.metadata;
    const inventory = await readInventory(kubernetes, namespace, name);
    if (inventory?.metadata.uid === uid && inventory.metadata.deletionTimestamp === undefined) return inventory;
    throw new InventoryError("INVENTORY_UNCERTAIN", `MachineInventory ${nameOf(entry)} has just been deleted`);
  }

  /** Reads, decides and writes until nobody has written in between. */
  async function change(
    entry: InventoryEntry,
    decide: (inventory: MachineInventory) => Readonly<Record<string, unknown>> | undefined,
  ): Promise<MachineInventory> {
    for (let attempt = 1; ; attempt += 1) {
      const inventory = await fresh(entry);
      const status = decide(inventory);
      if (status === undefined) return inventory;
      try {
        await patchInventory(kubernetes, inventory, "/status", { status });
        return inventory;
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_CONFLICT") || attempt === TRIES) throw error;
      }
    }
  }

  return {
    async prove(entry, proof, made, chosen) {
      const inventory = await change(entry, (found) => {
        const remembered = rememberedChallenge(found);
        const isOwn = made && remembered === challengeText(proof.challenge);
        if (!isOwn && !isLaterChallenge(proof.challenge, remembered)) {
          throw new InventoryError("CHALLENGE_USED", "this challenge, or a later one, has been answered, begin again");
        }
        return provedStatus(found, proof, Date.now());
      });
      const metadata = provedMetadata(inventory, proof, chosen);
      if (metadata !== undefined) {
        await patchInventory(kubernetes, inventory, "", { metadata }, { isOnTop: true });
      }
      return inventory;
    },
    async report(entry, report, chosen) {
      const inventory = await change(entry, (found) => reportedStatus(found, report, Date.now()));
      const metadata = chosenMetadata(inventory, chosen);
      if (metadata !== undefined) {
        await patchInventory(kubernetes, inventory, "", { metadata }, { isOnTop: true });
      }
      return inventory;
    },
    async upgrade(entry, word, heardEveryMs) {
      // Most words say nothing new: those cost no request.
      if (!isUpgradeWordDue(entry.rollout.upgrade, word, Date.now(), heardEveryMs)) return;
      await change(entry, (found) => upgradeStatus(found, word, Date.now(), heardEveryMs));
    },
  };
}
