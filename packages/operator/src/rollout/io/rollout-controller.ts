/** Follows ManagedOSImages and Fleet's objects, and runs their rollouts. */
import {
  API_GROUP,
  API_VERSION,
  managedOSImage,
  parseManagedOSImage,
  type ManagedOSImage,
} from "@rancheros/protocol/resources";
import { namesHost } from "@rancheros/protocol/images";
import { STATUS_MESSAGE_MAX_CHARACTERS } from "@rancheros/protocol/upgrade";
import type { ImagePolicy, VerifyKeyless } from "@rancheros/protocol/signatures";
import {
  collectionPath,
  createUnreadableMarks,
  keepParsed,
  retryTimer,
  UNREADABLE,
  watchResource,
  type ControllerParts,
  type KeptObject,
} from "../../controller/index.ts";
import { watchFleet } from "../../fleet/index.ts";
import type { RegistryOutside, RegistrySettings } from "../../registry/index.ts";
import { errorFields, hintOf } from "../../telemetry/index.ts";
import type { VersionLookup } from "../../versions/index.ts";
import { rolloutCounts } from "../rollout-counts.ts";
import { imageKey } from "../compile-image.ts";
import { namedVersion } from "../effective-image.ts";
import { heldBack, type DefaultRegistry } from "../held-back.ts";
import type { Rollouts } from "../rollout-desk.ts";
import type { RolloutMachine } from "../rollout-machine.ts";
import type { RolloutNews } from "../rollout-parts.ts";
import { runRollouts, type RolloutRun } from "../run-rollouts.ts";
import { imageStore } from "./image-store.ts";
import { planMaterials } from "./plan-materials.ts";

export interface RolloutOptions {
  readonly machinesSynced: () => boolean;
  /** The machine as the API server has it now; undefined where it is gone. @throws KubernetesError */
  readonly readMachine: (namespace: string, name: string) => Promise<RolloutMachine | undefined>;
  readonly versions: VersionLookup;
  /** Whether all ManagedOSVersions are known, and what is known is not old. */
  readonly versionsSynced: () => boolean;
  /** See VersionController. */
  readonly refreshVersion: (namespace: string, name: string) => Promise<void>;
  /** The registry of images that name none; looked for anew where the watch may be late. */
  readonly defaultRegistry: DefaultRegistry & { readonly refresh: () => Promise<void> };
  readonly registry: RegistryOutside;
  readonly registrySettings: RegistrySettings;
  /** Which images have to be signed. */
  readonly imagePolicy: ImagePolicy;
  readonly verifyKeyless: VerifyKeyless;
  /** Must not wait, and not throw. */
  readonly tell: (news: RolloutNews) => void;
}

const GROUP_PATH = `/apis/${API_GROUP}/${API_VERSION}`;
/** What a replica that does not lead leaves to the one that does; then it does it itself. */
const LAG_MS = 5_000;

export function runRolloutController(parts: ControllerParts, options: RolloutOptions): Rollouts {
  const { kubernetes, log, watchNamespace, nowMs } = parts;
  let onFleet: RolloutRun["onFleet"] = () => undefined;
  const fleet = watchFleet(parts, (namespace) => onFleet(namespace));
  const ended = new AbortController();
  const materials = planMaterials({
    signal: ended.signal,
    kubernetes,
    nowMs: () => performance.now(),
    ...options,
    onUnsigned({ metadata: { namespace, name, uid } }, { image }, { code, message }) {
      const told = `${image} is rolled out although ${message}`;
      const news = { image: { namespace, name, uid }, machine: undefined, kind: "state", isTrouble: true } as const;
      options.tell({ ...news, reason: code, message: told });
    },
  });
  const run = runRollouts({
    store: imageStore(kubernetes),
    fleet: fleet.index,
    fleetSynced: fleet.synced,
    versions: options.versions,
    versionsSynced: options.versionsSynced,
    defaultRegistry: options.defaultRegistry.name,
    async refreshSources({ source, version }) {
      const { namespace } = source.metadata;
      const name = namedVersion(source);
      if (name !== undefined) await options.refreshVersion(namespace, name);
      if (!namesHost(version?.image ?? source.spec.osImage ?? "")) await options.defaultRegistry.refresh();
    },
    machinesSynced: options.machinesSynced,
    readMachine: options.readMachine,
    resolve: (object, image) => materials.resolve(object, image),
    materials: (object) => materials.materials(object),
    lagMs: () => (parts.lead.isLeader() ? 0 : LAG_MS),
    tell: options.tell,
    log,
    nowMs,
    steadyMs: () => performance.now(),
    random: Math.random,
    setTimer: retryTimer,
  });
  onFleet = (namespace) => run.onFleet(namespace);

  const marks = createUnreadableMarks({
    lead: parts.lead,
    log,
    nowMs,
    group: GROUP_PATH,
    kind: managedOSImage.kind,
    plural: managedOSImage.plural,
    maxCharacters: STATUS_MESSAGE_MAX_CHARACTERS,
    condition: { type: "Invalid", status: "True" },
    beside: (message) => ({ state: "Invalid", message }),
    onNews({ metadata: { namespace, name, uid } }, message) {
      const news = { image: { namespace, name, uid }, machine: undefined, kind: "state", isTrouble: true } as const;
      options.tell({ ...news, reason: UNREADABLE, message });
    },
  });

  // With another registry they would be other images: nothing is decided, nor broken off, before that is known.
  const registry = heldBack(options.defaultRegistry, () => run.onDefaultRegistry());

  const images = watchResource<KeptObject<ManagedOSImage>>(kubernetes, {
    path: collectionPath(GROUP_PATH, managedOSImage.plural, watchNamespace),
    keep: keepParsed(parseManagedOSImage),
    onChange({ object: image }) {
      const key = imageKey(image.metadata);
      if ("problems" in image) {
        marks.put(image);
        registry.whenKnown(key, () => run.onImageUnread(image));
      } else {
        marks.delete(key);
        registry.whenKnown(key, () => run.onImage(image));
      }
    },
    onDelete(object) {
      marks.delete(imageKey(object.metadata));
      registry.whenKnown(imageKey(object.metadata), () => run.onImageGone(object));
    },
    onSynced: () => registry.whenKnown("", () => run.onImagesSynced()),
    onWentBack: () => run.onImagesWentBack(),
    onTrouble: (error) => log.warn("cannot follow ManagedOSImages", { ...errorFields(error), hint: hintOf(error) }),
    random: Math.random,
  });

  return {
    ask: (machine) => run.ask(machine),
    told: (machine, word) => run.told(machine, word),
    onMachine: (machine) => run.onMachine(machine),
    onMachineGone: (object) => run.onMachineGone(object),
    onMachinesWentBack: () => run.onMachinesWentBack(),
    onVersion: (namespace, name) => run.onVersion(namespace, name),
    onDefaultRegistry: () => registry.look(),
    notReady: () => (run.imagesSynced() ? [] : ["ManagedOSImages not read yet"]),
    quietMs: () => images.quietMs(),
    counts() {
      const read = run.index.images().filter(({ image }) => !run.unread.has(image.key));
      return rolloutCounts(
        read.map(({ image }) => image.object),
        run.unread.size,
      );
    },
    queue: () => run.queue(),
    async stop() {
      marks.stop();
      await run.stop();
      ended.abort();
      await Promise.all([images.stop(), fleet.stop()]);
    },
  };
}
