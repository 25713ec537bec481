/** What the flows need of a container runtime; one implementation for containerd's ctr, one for docker and its likes. */
import type { ImageDescription, ImageRelay, PinnedImage } from "../images/index.ts";
import type { ContainerSpec } from "./container-spec.ts";
import type { ContainerError } from "./errors.ts";
import type { ImageFiles, ReadFilesCall } from "./image-file.ts";
import type { RunFolder } from "./io/run-folder.ts";
import type { OutputLines } from "./output-lines.ts";
import type { StorageNeed } from "./storage-space.ts";

export type ContainerState =
  | { readonly kind: "absent" }
  /** Made to be started, which it was not. */
  | { readonly kind: "idle"; readonly labels: Labels }
  /** Without a process: never made, or its end has been taken notice of already, or the runtime or the node was restarted. */
  | { readonly kind: "gone"; readonly labels: Labels }
  | { readonly kind: "running"; readonly labels: Labels }
  | { readonly kind: "ended"; readonly labels: Labels };

export type Labels = Readonly<Record<string, string>>;

/** In the folder of a container that was started, or is about to be; of a runtime that may forget that it was. */
export const STARTED_FILE = "started";

export interface StartCall {
  readonly spec: ContainerSpec;
  /** All of them, those of the agent too. */
  readonly labels: Labels;
  /** Holds what was written for it. */
  readonly folder: string;
  /** Path of the file with the environment, a line each. */
  readonly envFile: string;
  /** Of the spec's files: where each was written, and where it appears. */
  readonly files: readonly { readonly source: string; readonly destination: string }[];
}

/** "name-taken": there is one of this name, which is left as it is; it may be what this call has started, and failed late. */
export type StartOutcome = { readonly kind: "started" } | { readonly kind: "name-taken"; readonly why: ContainerError };

export interface OutputFollower {
  /** Takes what came since. */
  readonly catchUp: () => Promise<void>;
  /** Whether all output is there. */
  readonly hasEnded: () => Promise<boolean>;
  readonly close: () => void;
}

/**
 * "partial": a pull was broken off, or something cleaned up. "other": the name leads to another digest. "unnamed": all of it
 * is there under another name.
 */
export type StoredImageState = "absent" | "partial" | "other" | "unnamed" | "complete";

/** "foreign": somebody else's, left as it is. "in-use": somebody's container is made of it. */
export type ImageRemoval = "removed" | "absent" | "foreign" | "in-use";

export interface RemoveImageCall {
  readonly image: PinnedImage;
  /** Whoever asks knows that it is this program's, also without the mark. */
  readonly isClaimed: boolean;
  readonly signal: AbortSignal;
}

/** Of the image's pull and of the reading of its files. */
export interface CleanUpCall {
  readonly pullFolder: RunFolder;
  readonly readFolder: RunFolder;
  readonly signal: AbortSignal;
}

export interface LoadCall {
  readonly description: ImageDescription;
  readonly relay: ImageRelay;
  /** Empty; for a file with the relay's login. */
  readonly folder: RunFolder;
  /** It gets the mark of this program's own, in the same moment as its name where the runtime can. */
  readonly isOwn: boolean;
  readonly signal: AbortSignal;
}

/** Everything here throws ContainerError. */
export interface RuntimeDriver {
  /** Under which the runtime keeps the image, and runs it. */
  readonly nameOf: (image: PinnedImage) => string;
  readonly storedImage: (image: PinnedImage) => Promise<StoredImageState>;
  /** Loads and unpacks. containerd keeps what came before it was broken off for the next time; the others see to that themselves. */
  readonly load: (call: LoadCall) => Promise<void>;
  /** Gives an image that is there this program's mark, and the name first where it has another. */
  readonly mark: (image: PinnedImage) => Promise<void>;
  readonly ownImages: (signal: AbortSignal) => Promise<readonly PinnedImage[]>;
  /** Only one with this program's mark, or that is claimed. */
  readonly removeImage: (call: RemoveImageCall) => Promise<ImageRemoval>;
  /** Whatever a killed pull or a killed reader of files holds. */
  readonly cleanUp: (call: CleanUpCall) => Promise<void>;
  /** Of what it has not yet of the image, as far as it tells what it has. */
  readonly storageNeed: (description: ImageDescription) => Promise<StorageNeed>;
  /** Of an image that was pulled; the folder is empty, for whatever is needed meanwhile. */
  readonly readFiles: (call: ReadFilesCall, folder: RunFolder) => Promise<ImageFiles>;
  /** Where the runtime keeps images, for the free space of that file system. */
  readonly storageFolder: () => Promise<string>;
  readonly inspect: (name: string) => Promise<ContainerState>;
  /** Starts it in the background. */
  readonly start: (call: StartCall) => Promise<StartOutcome>;
  readonly signal: (name: string, signal: "SIGTERM" | "SIGKILL") => Promise<void>;
  /** @returns the exit code of a container that has ended, as often as it is asked; undefined where nobody knows it (any more) */
  readonly exitCode: (name: string) => Promise<number | undefined>;
  /** Of one that has ended: the runtime lets go of its output, and may forget the exit code. */
  readonly letGo: (name: string) => Promise<void>;
  /** Removes all of it, also what is left of one that was never made to its end. It must not run. */
  readonly remove: (name: string) => Promise<void>;
  readonly followOutput: (name: string, folder: string, lines: OutputLines) => OutputFollower;
}
