/** What the flows need of a container runtime; one implementation for containerd's ctr, one for docker and its likes. */
import type { ImageDescription, ImageRelay, PinnedImage } from "../images/index.ts";
import type { ContainerSpec } from "./container-spec.ts";
import type { ImageFiles, ReadFilesCall } from "./image-file.ts";
import type { RunFolder } from "./io/run-folder.ts";
import type { OutputLines } from "./output-lines.ts";

export type ContainerState =
  | { readonly kind: "absent" }
  /** There, never started, or its end has been taken notice of already, or the node was restarted. */
  | { readonly kind: "idle"; readonly labels: Labels }
  | { readonly kind: "running"; readonly labels: Labels }
  | { readonly kind: "ended"; readonly labels: Labels };

export type Labels = Readonly<Record<string, string>>;

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

export interface OutputFollower {
  /** Takes what came since. */
  readonly catchUp: () => Promise<void>;
  /** Whether all output is there. */
  readonly hasEnded: () => Promise<boolean>;
  readonly close: () => void;
}

/** "partial": a pull was broken off, or something cleaned up. "other": the name leads to another digest. */
export type StoredImageState = "absent" | "partial" | "other" | "complete";

export interface LoadCall {
  readonly description: ImageDescription;
  readonly relay: ImageRelay;
  /** Empty; for a file with the relay's login. */
  readonly folder: RunFolder;
  readonly signal: AbortSignal;
}

/** Everything here throws ContainerError. */
export interface RuntimeDriver {
  /** Under which the runtime keeps the image, and runs it. */
  readonly nameOf: (image: PinnedImage) => string;
  readonly storedImage: (image: PinnedImage) => Promise<StoredImageState>;
  /** Loads and unpacks; what came before it is broken off is kept for the next time where the runtime can. */
  readonly load: (call: LoadCall) => Promise<void>;
  readonly missingLayers: (description: ImageDescription) => Promise<ImageDescription["layers"]>;
  /** Of an image that was pulled; the folder is empty, for whatever is needed meanwhile. */
  readonly readFiles: (call: ReadFilesCall, folder: RunFolder) => Promise<ImageFiles>;
  /** Where the runtime keeps images, for the free space of that file system. */
  readonly storageFolder: () => Promise<string>;
  readonly inspect: (name: string) => Promise<ContainerState>;
  /** Starts it in the background. "name-taken": there is one of this name, which is left as it is. */
  readonly start: (call: StartCall) => Promise<"started" | "name-taken">;
  readonly signal: (name: string, signal: "SIGTERM" | "SIGKILL") => Promise<void>;
  /** @returns the exit code of a container that has ended; undefined where nobody knows it (any more) */
  readonly exitCode: (name: string) => Promise<number | undefined>;
  /** Removes all of it, also what is left of one that was never made to its end. It must not run. */
  readonly remove: (name: string) => Promise<void>;
  readonly followOutput: (name: string, folder: string, lines: OutputLines) => OutputFollower;
}
