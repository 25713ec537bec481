/** Writes what machines prove and report into their MachineInventories. */
import type { MachineReport } from "@rancheros/protocol/attestation";
import { hasCode } from "@rancheros/protocol/errors";
import {
  ACCEPT_EK_CERTIFICATE_ANNOTATION,
  parseMachineInventory,
  TRUST_LABEL,
  type MachineInventory,
} from "@rancheros/protocol/resources";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import type { Kubernetes } from "../../controller/index.ts";
import { isLaterChallenge, challengeText } from "../challenge-order.ts";
import type { Claim } from "../claim-inventory.ts";
import {
  certificateChange,
  changedSentence,
  type CertificateChange,
  type ShownCertificate,
} from "../ek-certificate.ts";
import { InventoryError } from "../errors.ts";
import type { InventoryEntry } from "../inventory-index.ts";
import {
  certificateStatus,
  changedStatus,
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

export interface Proved {
  /** As it was when it was proved. */
  readonly inventory: MachineInventory;
  /** Whether another certificate than before is recorded now. */
  readonly isRecordedAnew: boolean;
}

export interface MachineRecords {
  /**
   * Uses the challenge up and writes down what was proved.
   * @param claim  made: this very answer made the object, which remembers the challenge then
   * @throws InventoryError CHALLENGE_USED, EK_CERTIFICATE_CHANGED, INVENTORY_UNCERTAIN; KubernetesError
   */
  prove(claim: Claim, proof: MachineProof, chosen?: ChosenMetadata): Promise<Proved>;
  /**
   * The same for rancherd's protocol, which writes nothing unless a known machine shows another certificate.
   * @throws InventoryError EK_CERTIFICATE_CHANGED; KubernetesError
   */
  proveCertificate(entry: InventoryEntry, shown: ShownCertificate): Promise<void>;
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

  /**
   * Reads, decides and writes until nobody has written in between.
   * @param known  the object where it need not be read: if that was wrong, the write fails and it is read
   */
  async function change(
    entry: InventoryEntry,
    known: MachineInventory | undefined,
    decide: (inventory: MachineInventory) => Readonly<Record<string, unknown>> | undefined,
  ): Promise<MachineInventory> {
    for (let attempt = 1; ; attempt += 1) {
      const inventory = attempt === 1 && known !== undefined ? known : await fresh(entry);
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

  /** @throws InventoryError EK_CERTIFICATE_CHANGED */
  async function finish(
    inventory: MachineInventory,
    shown: ShownCertificate,
    certificate: CertificateChange,
  ): Promise<void> {
    if (certificate === "changed") {
      throw new InventoryError("EK_CERTIFICATE_CHANGED", changedSentence(inventory, shown));
    }
    if (certificate !== "accepted") return;
    // It was for this once: a later change is another decision. In a merge patch, null takes away.
    const metadata = {
      labels: { [TRUST_LABEL]: shown.trust },
      annotations: { [ACCEPT_EK_CERTIFICATE_ANNOTATION]: null },
    };
    await patchInventory(kubernetes, inventory, "", { metadata }, { isOnTop: true });
  }

  return {
    async prove({ entry, made, object }, proof, chosen) {
      let certificate: CertificateChange = "kept";
      const parsed = parseMachineInventory(object);
      const known = parsed.ok ? parsed.value : undefined;
      const inventory = await change(entry, known, (found) => {
        const remembered = rememberedChallenge(found);
        const isOwn = made && remembered === challengeText(proof.challenge);
        if (!isOwn && !isLaterChallenge(proof.challenge, remembered)) {
          throw new InventoryError("CHALLENGE_USED", "this challenge, or a later one, has been answered, begin again");
        }
        certificate = certificateChange(found, proof);
        return certificate === "changed"
          ? changedStatus(found, proof, proof.challenge, Date.now())
          : provedStatus(found, proof, Date.now());
      });
      await finish(inventory, proof, certificate);
      const metadata = provedMetadata(inventory, proof, chosen);
      if (metadata !== undefined) {
        await patchInventory(kubernetes, inventory, "", { metadata }, { isOnTop: true });
      }
      return { inventory, isRecordedAnew: certificate !== "kept" };
    },
    async proveCertificate(entry, shown) {
      if (entry.certificateSha256 === undefined || entry.certificateSha256 === shown.certificateSha256) return;
      let certificate: CertificateChange = "kept";
      const inventory = await change(entry, undefined, (found) => {
        certificate = certificateChange(found, shown);
        if (certificate === "kept") return undefined;
        return certificate === "changed"
          ? changedStatus(found, shown, undefined, Date.now())
          : certificateStatus(found, shown, Date.now());
      });
      await finish(inventory, shown, certificate);
    },
    async report(entry, report, chosen) {
      const inventory = await change(entry, undefined, (found) => reportedStatus(found, report, Date.now()));
      const metadata = chosenMetadata(inventory, chosen);
      if (metadata !== undefined) {
        await patchInventory(kubernetes, inventory, "", { metadata }, { isOnTop: true });
      }
      return inventory;
    },
    async upgrade(entry, word, heardEveryMs) {
      // Most words say nothing new: those cost no request.
      if (!isUpgradeWordDue(entry.rollout.upgrade, word, Date.now(), heardEveryMs)) return;
      await change(entry, undefined, (found) => upgradeStatus(found, word, Date.now(), heardEveryMs));
    },
  };
}
