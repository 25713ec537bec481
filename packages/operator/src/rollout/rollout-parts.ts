/** What rollouts need from outside; io/ and the operator's entry have it. */
import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import type { Log } from "../telemetry/index.ts";
import type { VersionLookup } from "../versions/index.ts";
import type { Materials } from "./build-plan.ts";
import type { FleetLookup } from "./chosen-by.ts";
import type { CompiledImage } from "./compile-image.ts";
import type { UnusableRegistry } from "./effective-image.ts";
import type { NamedImage } from "./resolved.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

export interface ImageStore {
  /** Undefined where it is gone. @throws KubernetesError */
  read(namespace: string, name: string): Promise<ManagedOSImage | undefined>;
  /**
   * Stores the status if the object is what it was.
   * @returns the object as it is stored
   * @throws KubernetesError  KUBERNETES_CONFLICT where somebody has changed it meanwhile
   */
  writeStatus(object: ManagedOSImage, next: ManagedOSImageStatus): Promise<ManagedOSImage>;
}

/** Something that has been stored. Of no use for secrets: it is shown to everybody. */
export interface RolloutNews {
  readonly image: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** The machine's, where it is about one. */
  readonly machine: { readonly namespace: string; readonly name: string; readonly uid: string } | undefined;
  readonly kind: "state" | "missing" | "granted" | "failed";
  readonly reason: string;
  readonly message: string;
  readonly isTrouble: boolean;
}

export interface RolloutParts {
  readonly store: ImageStore;
  readonly fleet: FleetLookup;
  readonly fleetSynced: () => boolean;
  readonly versions: VersionLookup;
  readonly versionsSynced: () => boolean;
  /** See effectiveImage. */
  readonly defaultRegistry: () => string | UnusableRegistry | undefined;
  /**
   * Reads anew what the image takes from elsewhere, its version and the default registry: watches may be late. What is another
   * one then is known, and told of, when this resolves. @throws KubernetesError
   */
  readonly refreshSources: (image: CompiledImage) => Promise<void>;
  readonly machinesSynced: () => boolean;
  /** The machine as the API server has it now. @throws KubernetesError */
  readonly readMachine: (namespace: string, name: string) => Promise<RolloutMachine | undefined>;
  /** sha256:... of an image. @throws RegistryError, RolloutError, KubernetesError */
  readonly resolve: (object: ManagedOSImage, image: NamedImage) => Promise<string>;
  /** What the image refers to. @throws RolloutError, RegistryError, KubernetesError */
  readonly materials: (object: ManagedOSImage) => Promise<Materials>;
  /** How much later than another replica this one does what either may do: 0 for the one that leads. */
  readonly lagMs: () => number;
  readonly tell: (news: RolloutNews) => void;
  readonly log: Log;
  /** The cluster's. */
  readonly nowMs: () => number;
  /** Of a clock that is never put right: for pauses. */
  readonly steadyMs: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  /** @returns what cancels it */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
}
