/** Brings an image into the runtime's store, by digest, through a relay of this process. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { writeImageName } from "@rancheros/protocol/images";
import { ruleFor, type ImagePolicy } from "@rancheros/protocol/signatures";

import {
  accountsOf,
  ImagePullError,
  parsePinnedImage,
  type AdmitEvent,
  type HostAccount,
  type ImageDescription,
  type ImageEvent,
  type OpenImage,
  type OpenImageOptions,
  type PinnedImage,
  type Platform,
  type Registries,
} from "../images/index.ts";
import type { RuntimeDriver, StoredImageState } from "./driver.ts";
import { ContainerError } from "./errors.ts";
import type { freeSpace } from "./io/free-space.ts";
import type { RunFolder } from "./io/run-folder.ts";
import { checkSpace } from "./storage-space.ts";

export interface PullOptions {
  /** HOST/REPOSITORY@DIGEST; a tag beside the digest is passed over. */
  readonly image: string;
  readonly credentials?: readonly HostAccount[];
  /** Mirrors, CAs and accounts of the node: `readRegistries`. */
  readonly registries: Registries;
  /** Of the node: `readPolicies`. */
  readonly policies: readonly ImagePolicy[];
  /** Of what comes from the registry; undefined: as fast as it comes. Holds with every runtime. */
  readonly bytesPerSecond?: number | undefined;
  /** How long attempts go on without anything coming. */
  readonly patienceMs?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
  /** An earlier pull of it was told of by `onOwn`: what is there is this program's, marked or not yet. */
  readonly isOwn?: boolean;
  /** Before anything of an image comes that is this program's then; not for one that was there before it. */
  readonly onOwn?: () => Promise<void>;
}

export type PullProgress =
  | { readonly kind: "described"; readonly transferBytes: number; readonly layers: number }
  | { readonly kind: "bytes"; readonly doneBytes: number; readonly transferBytes: number }
  /** A policy asks for a signature, and there is one; or there is none, and the policy only warns. */
  | AdmitEvent
  /** Whoever pulls goes on by itself after the delay. */
  | { readonly kind: "retry"; readonly code: string; readonly message: string; readonly delayMs: number };

export interface PulledImage {
  /** Under which the runtime has it, and `runContainer` takes it. */
  readonly name: string;
  readonly digest: string;
  /** Nothing was loaded: it was there. */
  readonly wasThere: boolean;
  /** Bytes that came from the registry in this call. */
  readonly transferredBytes: number;
}

export interface PullOutside {
  readonly driver: RuntimeDriver;
  readonly folder: RunFolder;
  readonly platform: Platform;
  readonly openImage: (options: OpenImageOptions) => Promise<OpenImage>;
  readonly freeSpace: typeof freeSpace;
}

const DEFAULT_PATIENCE_MS = 600_000;
const VAGUE = ["CONTAINER_RUNTIME_FAILED", "CONTAINER_RUNTIME_UNREACHABLE", "CONTAINER_TIMED_OUT"] as const;

/**
 * Asks the registry only where the image is not there already, or a policy wants it signed: signatures are there only. The registry's answers and failures are judged here, not
 * by what the runtime's program says of them.
 * @throws ImagePullError, ImageReferenceError; SignatureError where a policy does not let it in; ContainerError CONTAINER_DISK_FULL, CONTAINER_IMAGE_WRONG and what the runtime does
 */
export async function pullImageThrough(outside: PullOutside, options: PullOptions): Promise<PulledImage> {
  const { driver } = outside;
  const image = parsePinnedImage(options.image);
  const { digest } = image;
  const name = driver.nameOf(image);
  const before = await driver.storedImage(image);
  const isOwn = await isToBeOwn(driver, before, options);
  if (before === "complete" || before === "unnamed") {
    await admitStored(outside, image, options);
    if (isOwn) await takeAsOwn(driver, image, options);
    return { name, digest, wasThere: true, transferredBytes: 0 };
  }
  let doneBytes = 0;
  let transferBytes = 0;
  const onEvent = (event: ImageEvent): void => {
    if (event.kind === "retry") {
      const { code, message } = event.error;
      options.onProgress?.({ kind: "retry", code, message, delayMs: event.delayMs });
    } else if (event.kind === "bytes") {
      doneBytes += event.bytes;
      options.onProgress?.({ kind: "bytes", doneBytes, transferBytes });
    } else options.onProgress?.(event);
  };
  const opened = await open(outside, image, options, onEvent);
  const { description } = opened;
  transferBytes = description.transferBytes;
  options.onProgress?.({ kind: "described", transferBytes, layers: description.layers.length });
  await checkRoom(outside, description);
  if (isOwn) await options.onOwn?.();
  await load(outside, opened, isOwn, options.signal);
  if (isOwn) await driver.mark(image);
  const state = await driver.storedImage(image);
  if (state !== "complete") {
    const message = `after the pull, what is stored as ${name} is ${state === "other" ? "another image" : "not whole"}`;
    throw new ContainerError("CONTAINER_IMAGE_WRONG", message, { details: { image: name } });
  }
  return { name, digest, wasThere: false, transferredBytes: doneBytes };
}

/** A name that was there and has no mark is somebody else's, also where the image behind it is damaged. */
async function isToBeOwn(
  driver: RuntimeDriver,
  before: StoredImageState,
  { image, isOwn, signal }: PullOptions,
): Promise<boolean> {
  if (isOwn === true || before === "absent" || before === "unnamed") return true;
  const { name } = parsePinnedImage(image);
  return (await driver.ownImages(signal)).some((one) => one.name === name);
}

async function takeAsOwn(driver: RuntimeDriver, image: PinnedImage, { onOwn }: PullOptions): Promise<void> {
  await onOwn?.();
  await driver.mark(image);
}

/** Whoever has brought it here may have had another policy. */
async function admitStored(outside: PullOutside, image: PinnedImage, options: PullOptions): Promise<void> {
  const modes = options.policies.map((policy) => ruleFor(policy, writeImageName(image))?.mode);
  if (!modes.some((mode) => mode === "enforce" || mode === "warn")) return;
  const onEvent = (event: ImageEvent): void => {
    if (event.kind !== "bytes" && event.kind !== "retry") options.onProgress?.(event);
  };
  try {
    await open(outside, image, options, onEvent);
  } catch (error) {
    // A registry that is away keeps nobody from using what is there, where the policies only warn.
    if (modes.includes("enforce") || options.signal.aborted || !isCodedError(error)) throw error;
    options.onProgress?.({ kind: "unsigned", error });
  }
}

function open(
  outside: PullOutside,
  image: PinnedImage,
  options: PullOptions,
  onEvent: (event: ImageEvent) => void,
): Promise<OpenImage> {
  const { registries, policies, signal, bytesPerSecond, patienceMs = DEFAULT_PATIENCE_MS } = options;
  const accounts = accountsOf(options.credentials ?? [], image.host);
  const { platform } = outside;
  return outside.openImage({
    image,
    platform,
    registries,
    accounts,
    policies,
    bytesPerSecond,
    patienceMs,
    signal,
    onEvent,
  });
}

/** @throws ContainerError CONTAINER_DISK_FULL */
async function checkRoom({ driver, freeSpace: free }: PullOutside, description: ImageDescription): Promise<void> {
  const space = await free(await driver.storageFolder());
  checkSpace(space, await driver.storageNeed(description));
}

/** Of a pull that waits for its registry the runtime's program says at most that something of its own went wrong. */
function isVague(error: unknown): boolean {
  return VAGUE.some((code) => hasCode(error, code));
}

async function load(
  { driver, folder }: PullOutside,
  opened: OpenImage,
  isOwn: boolean,
  signal: AbortSignal,
): Promise<void> {
  const relay = await opened.relay();
  try {
    await folder.prepare();
    await driver.load({ description: opened.description, relay, folder, isOwn, signal });
  } catch (error) {
    if (signal.aborted) throw new ImagePullError("IMAGE_INTERRUPTED", "the pull was broken off", { cause: error });
    // The runtime's program only says that its registry broke off.
    throw relay.failure() ?? (isVague(error) ? relay.trouble() : undefined) ?? error;
  } finally {
    await relay.close();
    await folder.remove();
  }
}
