/** What an upgrade needs of the world, as narrow as it can be. index.ts and the daemon hand in the real ones. */
import type { MachineNode } from "@rancheros/protocol/attestation";
import type { Drain } from "@rancheros/protocol/resources";
import type { PlanContainer, RegistryCredential } from "@rancheros/protocol/upgrade";

import type { NamedFiles } from "../cloud-config/index.ts";
import type { RuntimeIdentity } from "../containers/index.ts";
import type { RootFiles } from "../files/index.ts";
import type { BootSlot } from "./boot-slot.ts";
import type { Order, Reason } from "./journal.ts";
import type { Moment } from "./moment.ts";

export type { RuntimeIdentity };

export interface ContainerRun {
  readonly name: string;
  /** Tells this run from others of the same name. */
  readonly run: string;
  readonly container: PlanContainer;
  /** Besides the plan's; these win. */
  readonly env: Readonly<Record<string, string>>;
  /** For root only, and gone with the container. */
  readonly files: readonly { readonly destination: string; readonly content: string }[];
}

export interface RunOptions {
  /** Ends the container. */
  readonly signal: AbortSignal;
  /** Ends the waiting only. */
  readonly leave: AbortSignal;
  readonly deadlineMs: number;
  readonly onLine: (line: string) => void;
}

export type ContainerEnd =
  | { readonly kind: "exited"; readonly exitCode: number; readonly lastLines: readonly string[] }
  /** It is over, and nobody knows how. */
  | { readonly kind: "lost"; readonly lastLines: readonly string[] }
  | { readonly kind: "left-running" };

/** Its errors are coded; those that the machine's container runtime has. */
export interface ContainerPort {
  /** Which runtime there is. @throws where there is none */
  find(signal: AbortSignal): Promise<RuntimeIdentity>;
  /** From now on this one is used and waited for, whatever else is there; undefined: whichever is found. */
  hold(runtime: RuntimeIdentity | undefined): void;
  /**
   * Nothing to do where it is there. Says itself where there is too little room for it.
   * @param reference  repository@sha256:...
   * @returns the digest that it has got
   */
  pull(reference: string, options: PullOptions): Promise<string>;
  /** Nothing to do where it is gone. One that others brought, or whose containers are others', stays. */
  removeImage(reference: string, options: RemoveImageOptions): Promise<void>;
  /** What pulls have brought and nobody has removed yet. */
  ownImages(signal: AbortSignal): Promise<readonly string[]>;
  /** @returns undefined where the image has no such file */
  readImageFile(reference: string, path: string, signal: AbortSignal): Promise<Buffer | undefined>;
  /** Runs it to its end, or goes on waiting for the one of the same run that was left. @throws also after the deadline */
  run(run: ContainerRun, options: RunOptions): Promise<ContainerEnd>;
  /** Ends and removes it. Nothing to do where there is none. */
  stop(name: string): Promise<void>;
}

export interface PullOptions {
  readonly credentials: readonly RegistryCredential[];
  readonly signal: AbortSignal;
  /** An earlier pull has told so by `onOwn`. */
  readonly isOwn: boolean;
  /** Before anything of it comes, where it was not there before. */
  readonly onOwn: () => Promise<void>;
  /** What keeps it from coming at the moment, and is tried again; undefined where it comes again. */
  readonly onTrouble: (trouble: Reason | undefined) => void;
}

export interface RemoveImageOptions {
  /** Whoever asks knows that a pull has brought it, also where it was killed before it could say so in the runtime. */
  readonly isClaimed: boolean;
  readonly signal: AbortSignal;
}

/** Of the node that the machine is in its own cluster. */
export interface NodePort {
  /** @returns undefined where the machine is no node of a cluster */
  look(signal: AbortSignal): Promise<MachineNode | undefined>;
  /**
   * The journal says before that it is intended.
   * @returns whether the cordon is ours: of this call, or of an earlier one whose answer got lost
   */
  cordon(signal: AbortSignal): Promise<boolean>;
  /** Of the cordon that is there now; "unknown" where the API server keeps no book of it. */
  cordonedBy(signal: AbortSignal): Promise<"nobody" | "agent" | "others" | "unknown">;
  uncordon(signal: AbortSignal): Promise<void>;
  /** @returns why the node is not to be drained; undefined where it is */
  reasonNotToDrain(signal: AbortSignal): Promise<string | undefined>;
  drain(drain: Drain, signal: AbortSignal, onProgress: (progress: DrainProgress) => void): Promise<void>;
}

export interface DrainProgress {
  /** For the log, and told once; undefined where only the summary is another one. */
  readonly line: string | undefined;
  /** Of this moment. */
  readonly summary: string;
}

export interface CheckResult {
  readonly name: string;
  /** One sentence: how it ended; undefined where it went well. */
  readonly failure: string | undefined;
  /** Of stdout and stderr; bounded. */
  readonly output: string;
}

export interface HostPort {
  now(): Moment;
  random(): number;
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
  hostname(): string;
  /**
   * Whether the machine is about to restart or to be switched off. "none": whoever is asked for that says that nobody has;
   * "unknown": there is nobody who would say so.
   */
  shutdown(): Promise<"under-way" | "none" | "unknown">;
  readBootSlot(): Promise<BootSlot>;
  /** Below the host's root. @returns undefined where there is none. @throws UpgradeError UPGRADE_UNREADABLE */
  readFile(path: string, maxBytes: number): Promise<Buffer | undefined>;
  /** Folders that must be there, rooms and kinds of disks, apart from the images'. @throws UpgradeError */
  checkFolders(): Promise<void>;
  /** /etc/rancheros/checks.d, one after the other. */
  runChecks(signal: AbortSignal): Promise<readonly CheckResult[]>;
}

export interface JournalFile {
  /** @returns undefined where there is none yet. @throws UpgradeError UPGRADE_JOURNAL_UNREADABLE */
  read(): Promise<string | undefined>;
  /** All of it or nothing, and on the disk. @throws UpgradeError UPGRADE_JOURNAL_UNSAVED */
  write(text: string): Promise<void>;
  /**
   * What is there gets a second name, and keeps its own until the next write takes that: so no start finds none at all.
   * @returns the second name; undefined where it cannot have one, as on some file systems
   */
  keepAside(): Promise<string | undefined>;
}

/** Waits until the operator has said it. An upgrade by hand has nobody to ask. */
export type ConfirmSlot = (order: Order, signal: AbortSignal) => Promise<"held" | "lost">;

export type SystemSlot = "a" | "b";

export interface StageOptions {
  readonly credentials: readonly RegistryCredential[];
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => Promise<void>;
  /** To be read of what was written. */
  readonly files: readonly string[];
}

export interface StagedSystem {
  readonly slot: SystemSlot;
  /** Of those that were asked for, the ones that are there. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** The machine's files, as far as a cloud config names them. Everything but `named` throws FilesError and SlotError. */
export interface ConfigFilesPort extends Pick<RootFiles, "kind" | "read" | "replace" | "remove"> {
  /** By `write_files`, as far as that can be read. */
  named(config: string): Promise<NamedFiles>;
  /** What was kept of them; undefined where nothing was. */
  readKept(): Promise<string | undefined>;
  /** On the disk. Undefined takes it away. */
  writeKept(text: string | undefined): Promise<void>;
  /** Out of the way of the next upgrade, which has its own. @returns where */
  keepAside(): Promise<string>;
}

/** The two slots of our own installation. Source: docs/decisions/0015-slots.md */
export interface SystemSlotsPort {
  /** @returns undefined where the machine has none */
  running(): SystemSlot | undefined;
  /** Of the image that was written into the slot that runs. */
  runningDigest(): Promise<string | undefined>;
  /**
   * Written, on the disk, and read back.
   * @returns undefined where the image brings a program that installs it; the slot holds nothing then
   */
  write(reference: string, options: StageOptions): Promise<StagedSystem | undefined>;
  /** Before the node is drained for it: whether what the slot brings for the machine's state has room. @throws SlotError SLOT_STATE_FULL */
  requireRoom(slot: SystemSlot, signal: AbortSignal): Promise<void>;
  /** The next start takes this slot, and no other one. */
  tryOnce(slot: SystemSlot): Promise<void>;
  /** The slot that the next start tries. */
  tried(): Promise<SystemSlot | undefined>;
  /** No slot is tried any more, on the disk: a boot loader that could not write down that it has tried one would do it again. */
  forgetTry(): Promise<void>;
  /** Asks for it, and goes on. */
  restart(): Promise<void>;
  /** Whether the boot check has found it good. */
  isGood(slot: SystemSlot): Promise<boolean>;
  /** What the last trial of the slot has left, one sentence; undefined where it has left nothing. */
  trialTrace(slot: SystemSlot): Promise<string | undefined>;
  /** Undefined takes it away. */
  writeCloudConfig(path: string, text: string | undefined): Promise<void>;
  readonly configFiles: ConfigFilesPort;
}

export interface UpgradePorts {
  readonly containers: ContainerPort;
  readonly node: NodePort;
  readonly host: HostPort;
  readonly journalFile: JournalFile;
  readonly confirmSlot: ConfirmSlot;
  /** Undefined, or without a running one: the image's own upgrade container is the only way. */
  readonly slots?: SystemSlotsPort | undefined;
}
