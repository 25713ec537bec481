/** Writes what machines prove and report into their MachineInventories. */
import type { MachineReport } from "@rancheros/protocol/attestation";
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { parseMachineInventory, type MachineInventory } from "@rancheros/protocol/resources";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import type { Kubernetes } from "../../controller/index.ts";
import { errorFields, type Log } from "../../telemetry/index.ts";
import { isLaterChallenge, challengeText } from "../challenge-order.ts";
import type { Claim } from "../claim-inventory.ts";
import { dueStatus } from "../due-status.ts";
import {
  certificateChange,
  changedSentence,
  showsMissingRoot,
  type CertificateChange,
  type ShownCertificate,
} from "../ek-certificate.ts";
import { InventoryError } from "../errors.ts";
import type { InventoryEntry } from "../inventory-entry.ts";
import { LATE_FACTS_MS, withLateFacts } from "../late-facts.ts";
import { LateWrites } from "../late-writes.ts";
import {
  certificateStatus,
  changedStatus,
  chosenMetadata,
  isKnownProof,
  provedMetadata,
  provedStatus,
  recordedMetadata,
  rememberedChallenge,
  reportedBoot,
  reportedStatus,
  rootStatus,
  unnotedMetadata,
  type ChosenMetadata,
  type MachineProof,
  type MetadataPatch,
} from "../machine-status.ts";
import { rolloutFacts, type UpgradeFacts } from "../rollout-facts.ts";
import {
  isSamePhase,
  passingPhaseHoldMs,
  silentFromMs,
  upgradeStatus,
  wordUrgency,
  type HeardWord,
} from "../upgrade-status.ts";
import { overAllLeftOut, overLeftOut } from "../readable-inventory.ts";
import { patchInventory, readStored, type StoredInventory } from "./inventory-store.ts";

const TRIES = 5;

export interface Proved {
  /** As it was when it was proved. */
  readonly inventory: MachineInventory;
  /** Whether another certificate than before is recorded now. */
  readonly isRecordedAnew: boolean;
}

export interface MachineRecords {
  /**
   * Uses the challenge up and writes down what was proved; a proof for a session that says nothing new has time.
   * @param claim  made: this very answer made the object, which remembers the challenge then
   * @throws InventoryError CHALLENGE_USED, EK_CERTIFICATE_CHANGED, INVENTORY_UNCERTAIN, INVENTORY_UNREADABLE; KubernetesError
   */
  prove(claim: Claim, proof: MachineProof, chosen?: ChosenMetadata): Promise<Proved>;
  /**
   * The same for rancherd's protocol, which writes nothing unless a known machine shows another certificate, or the root
   * of one that was recorded without, or was made by another replica so lately that its status says nothing: written to,
   * it is not taken back by one that is behind.
   * @throws InventoryError EK_CERTIFICATE_CHANGED, INVENTORY_UNCERTAIN, INVENTORY_UNREADABLE; KubernetesError
   */
  proveCertificate(claim: Claim, shown: ShownCertificate): Promise<void>;
  /**
   * What the machine said of itself when it came first.
   * @throws InventoryError INVENTORY_UNCERTAIN, INVENTORY_UNREADABLE; KubernetesError
   */
  smbios(entry: InventoryEntry): Promise<MachineInventory["spec"]["smbios"]>;
  /** Writes down what was reported, where that is due. @returns the object @throws InventoryError, KubernetesError */
  report(entry: InventoryEntry, report: MachineReport, chosen: ChosenMetadata): Promise<MachineInventory>;
  /**
   * Writes down how far the machine's upgrade is, or keeps it where it has time.
   * @param heardEveryMs  see wordUrgency
   * @throws InventoryError, KubernetesError
   */
  upgrade(entry: InventoryEntry, word: UpgradeStatus, heardEveryMs: number): Promise<void>;
  /** Writes what is kept, and keeps nothing more. */
  stop(): Promise<void>;
}

export interface MachineRecordsParts {
  /** How many machines say that they are in the middle of an upgrade. */
  readonly upgradingCount: () => number;
  readonly log: Log;
  readonly nowMs: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  /** @returns what cancels it */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
}

function nameOf(entry: InventoryEntry): string {
  return `${entry.metadata.namespace}/${entry.metadata.name}`;
}

export function machineRecords(kubernetes: Kubernetes, parts: MachineRecordsParts): MachineRecords {
  const { nowMs } = parts;
  const late = new LateWrites({
    write: async (entry, facts) => {
      await change(entry, undefined, (found) => withLateFacts(found, facts, undefined));
    },
    onFailure(entry, error) {
      parts.log.debug("machine's word not written yet", { inventory: nameOf(entry), ...errorFields(error) });
      const isOver = hasCode(error, "INVENTORY_UNCERTAIN") || hasCode(error, "INVENTORY_UNREADABLE");
      return isCodedError(error) && error.retry !== "never" && !isOver;
    },
    nowMs,
    random: parts.random,
    setTimer: parts.setTimer,
  });

  async function fresh(entry: InventoryEntry): Promise<StoredInventory> {
    const { namespace, name, uid } = entry.metadata;
    const stored = await readStored(kubernetes, namespace, name);
    const { metadata } = stored?.inventory ?? {};
    if (stored !== undefined && metadata?.uid === uid && metadata.deletionTimestamp === undefined) return stored;
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
    let over: typeof overAllLeftOut = overLeftOut;
    for (let attempt = 1; ; attempt += 1) {
      const isKnown = attempt === 1 && known !== undefined;
      const { inventory, leftOut } = isKnown ? { inventory: known, leftOut: [] } : await fresh(entry);
      const status = decide(inventory);
      if (status === undefined) return inventory;
      try {
        await patchInventory(kubernetes, inventory, "/status", { status: over(status, leftOut, inventory) });
        return inventory;
      } catch (error) {
        const isBeside = leftOut.length > 0 && over !== overAllLeftOut && hasCode(error, "KUBERNETES_REFUSED");
        if ((!isBeside && !hasCode(error, "KUBERNETES_CONFLICT")) || attempt === TRIES) throw error;
        if (isBeside) over = overAllLeftOut;
      }
    }
  }

  /** The same, and what has been kept of the machine is written along. */
  async function changeAlong(
    entry: InventoryEntry,
    known: MachineInventory | undefined,
    decide: (inventory: MachineInventory) => Readonly<Record<string, unknown>> | undefined,
  ): Promise<MachineInventory> {
    const { uid } = entry.metadata;
    const facts = late.facts(uid);
    let isWritten = false;
    const inventory = await change(entry, known, (found) => {
      const own = decide(found);
      isWritten = own !== undefined;
      return own === undefined ? undefined : withLateFacts(found, facts, own);
    });
    if (isWritten) late.forget(uid, facts);
    return inventory;
  }

  /** @returns what of the word is to be written now; what has time is kept */
  function dueWord(
    entry: InventoryEntry,
    old: UpgradeFacts | undefined,
    word: UpgradeStatus,
    heardEveryMs: number,
  ): HeardWord | undefined {
    const atMs = nowMs();
    const { uid } = entry.metadata;
    const kept = late.facts(uid).word;
    const still = kept !== undefined && isSamePhase(kept.word, word) ? kept : undefined;
    const heard: HeardWord = { word, sinceMs: still?.sinceMs ?? atMs, heardMs: atMs };
    const urgency = wordUrgency(old, word, atMs, heardEveryMs);
    if (urgency === "prompt" || old === undefined) return urgency === "none" ? undefined : heard;
    if (urgency === "none") {
      if (kept !== undefined) late.forget(uid, { word: kept });
      return undefined;
    }
    const lastsMs = still?.dueMs ?? atMs + passingPhaseHoldMs(parts.upgradingCount());
    const dueMs = Math.min(lastsMs, silentFromMs(old, heardEveryMs));
    return late.keep(entry, { word: { ...heard, dueMs } }) ? undefined : heard;
  }

  /** @throws InventoryError EK_CERTIFICATE_CHANGED */
  function refuseChanged(inventory: MachineInventory, shown: ShownCertificate, certificate: CertificateChange): void {
    if (certificate === "changed") {
      throw new InventoryError("EK_CERTIFICATE_CHANGED", changedSentence(inventory, shown));
    }
  }

  async function writeMetadata(inventory: MachineInventory, metadata: MetadataPatch | undefined): Promise<void> {
    if (metadata === undefined) return;
    await patchInventory(kubernetes, inventory, "", { metadata }, { isOnTop: true });
  }

  return {
    async prove({ entry, made, object }, proof, chosen) {
      let certificate: CertificateChange = "kept";
      const parsed = parseMachineInventory(object);
      const known = parsed.ok ? parsed.value : undefined;
      const inventory = await changeAlong(entry, known, (found) => {
        const remembered = rememberedChallenge(found);
        const isOwn = made && remembered === challengeText(proof.challenge);
        if (!isOwn && !isLaterChallenge(proof.challenge, remembered)) {
          throw new InventoryError("CHALLENGE_USED", "this challenge, or a later one, has been answered, begin again");
        }
        certificate = certificateChange(found, proof);
        const atMs = nowMs();
        if (certificate === "changed") return changedStatus(found, proof, proof.challenge, atMs);
        const isKept =
          certificate === "kept" &&
          isKnownProof(found, proof, atMs) &&
          late.keep(entry, { proof: { proof, atMs, dueMs: atMs + LATE_FACTS_MS } });
        return isKept ? undefined : provedStatus(found, proof, atMs);
      });
      refuseChanged(inventory, proof, certificate);
      await writeMetadata(inventory, provedMetadata(inventory, proof, chosen));
      return { inventory, isRecordedAnew: certificate !== "kept" };
    },
    async proveCertificate({ entry, isOfAnother = false }, shown) {
      const { certificateSha256: bound, isUnreadable = false, isUnnoted = false, isRootMissing = false } = entry;
      if (isOfAnother && entry.statusDue === "later")
        await change(entry, undefined, (found) => dueStatus(found, nowMs()));
      // Nobody knows here what binds a machine that cannot be read: it is read, and waits if it still cannot be.
      const isKnown = !isUnreadable && !isUnnoted && !(isRootMissing && shown.root !== undefined);
      if (isKnown && (bound === undefined || bound === shown.certificateSha256)) return;
      let certificate: CertificateChange = "kept";
      const inventory = await change(entry, undefined, (found) => {
        certificate = certificateChange(found, shown);
        if (certificate === "kept") return rootStatus(found, shown, nowMs());
        return certificate === "changed"
          ? changedStatus(found, shown, undefined, nowMs())
          : certificateStatus(found, shown, nowMs());
      });
      refuseChanged(inventory, shown, certificate);
      const isKept = certificate === "kept" && !showsMissingRoot(inventory, shown);
      await writeMetadata(inventory, isKept ? unnotedMetadata(inventory) : recordedMetadata(inventory, shown));
    },
    smbios: async (entry) => (await fresh(entry)).inventory.spec.smbios,
    async report(entry, report, chosen) {
      const { uid } = entry.metadata;
      const { report: earlier } = late.facts(uid);
      if (earlier !== undefined) late.forget(uid, { report: earlier });
      const inventory = await changeAlong(entry, undefined, (found) => {
        const atMs = nowMs();
        const said = reportedStatus(found, report, atMs);
        // SMBIOS is the bulk of it, and nothing that is written late.
        const slim = { ...report, smbios: undefined };
        const isKept =
          said?.urgency === "late" &&
          late.keep(entry, {
            report: { report: slim, overBoot: reportedBoot(found), atMs, dueMs: atMs + LATE_FACTS_MS },
          });
        return isKept ? undefined : said?.status;
      });
      await writeMetadata(inventory, chosenMetadata(inventory, chosen));
      return inventory;
    },
    async upgrade(entry, word, heardEveryMs) {
      // Most words say nothing new, or have time: those cost no request.
      if (dueWord(entry, entry.rollout.upgrade, word, heardEveryMs) === undefined) return;
      await changeAlong(entry, undefined, (found) => {
        const known = rolloutFacts(found);
        const heard = dueWord(entry, known.upgrade, word, heardEveryMs);
        return heard === undefined ? undefined : upgradeStatus(known, heard);
      });
    },
    stop: () => late.stop(),
  };
}
