/** Rollouts put together with what they need: machines as the inventory knows them, registries, Events. */
import type { ImagePolicy } from "@rancheros/protocol/signatures";
import type { ControllerParts } from "./controller/index.ts";
import { inventoryEntry, type InventoryStore } from "./inventory/index.ts";
import type { RegistryOutside } from "./registry/index.ts";
import { runRolloutController, type RolloutNews, type RolloutOptions, type Rollouts } from "./rollout/index.ts";
import type { Settings } from "./settings/index.ts";
import type { EventFact, Log, Metrics } from "./telemetry/index.ts";
import { verifyKeyless } from "./verify-keyless.ts";
import { runVersionController, type VersionCounts } from "./versions/index.ts";

export interface OperatorRolloutParts extends ControllerParts {
  readonly settings: Settings;
  readonly registry: RegistryOutside;
  readonly imagePolicy: ImagePolicy;
  readonly defaultRegistry: RolloutOptions["defaultRegistry"];
  readonly store: Pick<InventoryStore, "read">;
  readonly machinesSynced: () => boolean;
  readonly record: (fact: EventFact) => void;
  readonly metrics: Pick<Metrics, "countSlot" | "countFailedUpgrade">;
}

export interface OperatorRollouts extends Rollouts {
  versionCounts(): VersionCounts;
}

/** Of what is missing the log has a line already, from who has asked for it. */
const SENTENCES: Readonly<Record<RolloutNews["kind"], string | undefined>> = {
  missing: undefined,
  state: "rollout changed",
  granted: "slot granted",
  failed: "upgrade failed",
};

const ACTIONS: Readonly<Record<RolloutNews["kind"], string>> = {
  state: "Roll",
  missing: "Roll",
  granted: "Grant",
  failed: "Fail",
};

/** One line of the log at most, and one Event at the image; of a failure another one at the machine. */
function tell(news: RolloutNews, log: Log, record: (fact: EventFact) => void): void {
  const { image, machine, kind, reason, message } = news;
  const level = news.isTrouble ? "warn" : "info";
  const sentence = SENTENCES[kind];
  const fields = { image: `${image.namespace}/${image.name}`, machine: machine?.name, reason, note: message };
  if (sentence !== undefined) log[level](sentence, fields);
  const fact = { type: news.isTrouble ? "Warning" : "Normal", action: ACTIONS[kind], reason, note: message } as const;
  record({ ...fact, regarding: { ...image, kind: "ManagedOSImage" } });
  if (kind === "failed" && machine !== undefined) {
    record({ ...fact, regarding: { ...machine, kind: "MachineInventory" } });
  }
}

export function startRollouts(parts: OperatorRolloutParts): OperatorRollouts {
  const { settings, store, registry, log, record, metrics } = parts;
  const versions = runVersionController(parts, (namespace, name) => rollouts.onVersion(namespace, name));
  const rollouts = runRolloutController(parts, {
    versions: versions.versions,
    versionsSynced: () => versions.synced() && versions.quietMs() < settings.staleAfterMs,
    refreshVersion: (namespace, name) => versions.refresh(namespace, name),
    machinesSynced: parts.machinesSynced,
    defaultRegistry: parts.defaultRegistry,
    readMachine: async (namespace, name) => inventoryEntry(await store.read(namespace, name)),
    registry,
    registrySettings: settings.registries,
    imagePolicy: parts.imagePolicy,
    verifyKeyless,
    tell(news) {
      if (news.kind === "granted") metrics.countSlot();
      if (news.kind === "failed") metrics.countFailedUpgrade();
      tell(news, log, record);
    },
  });
  return {
    ...rollouts,
    versionCounts: () => versions.counts(),
    async stop() {
      await Promise.all([versions.stop(), rollouts.stop()]);
    },
  };
}
