/** Lets images be asked for: once for each spec, and after a failure again at the pace that it leaves. */
import { createWorkQueue, retryAfterMs, type QueueLoad, type WorkQueue } from "../controller/index.ts";
import { RegistryError } from "../registry/index.ts";
import type { Found } from "./describe-rollout.ts";
import { needsResolving, resolveImage } from "./image-resolver.ts";
import { aboutOf, type ImageState } from "./image-state.ts";
import { RefusalPace } from "./refusal-pace.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutParts } from "./rollout-parts.ts";

/** Somebody who has mended a tag or a pull secret waits for what comes of it. */
const PAUSE_MS = 8_000;

/** A registry's Retry-After. */
function isRegistryBusy(error: unknown): error is RegistryError & { readonly retry: { readonly afterMs: number } } {
  return error instanceof RegistryError && error.code === "REGISTRY_BUSY" && typeof error.retry === "object";
}

export interface ResolversTold {
  /** Whether the images of a spec can be had. */
  readonly onFound: (key: string, found: Found) => void;
  readonly onFailure: (key: string, error: unknown) => void;
}

export class ImageResolvers {
  readonly #index: RolloutIndex;
  readonly #parts: RolloutParts;
  readonly #told: ResolversTold;
  /** One for each image and spec: a registry that does not answer holds up nobody else. */
  readonly #queues = new Map<string, WorkQueue>();
  /** Specs whose images are being asked for, by the key of their image. */
  readonly #asked = new Map<string, string>();
  #isStopped = false;

  constructor(index: RolloutIndex, parts: RolloutParts, told: ResolversTold) {
    this.#index = index;
    this.#parts = parts;
    this.#told = told;
  }

  /** After any change of the image. */
  look(image: ImageState): void {
    const { key } = image.image;
    if (!needsResolving(image)) {
      this.#asked.delete(key);
      return;
    }
    // After that it is the queue that asks again, at the registry's pace.
    if (this.#asked.get(key) === aboutOf(image)) return;
    // A registry that wants to be left alone wants it about what it was asked for.
    this.forget(key);
    this.#asked.set(key, aboutOf(image));
    const lagMs = this.#parts.lagMs();
    if (lagMs === 0) this.#add(key);
    else this.#parts.setTimer(() => this.#addIfNeeded(key), lagMs);
  }

  forget(key: string): void {
    this.#asked.delete(key);
    this.#queues.get(key)?.stop();
    this.#queues.delete(key);
  }

  load(): QueueLoad {
    const loads = [...this.#queues.values()].map((queue) => queue.load());
    const sum = (of: "depth" | "failing"): number => loads.reduce((total, load) => total + load[of], 0);
    return { depth: sum("depth"), failing: sum("failing") };
  }

  stop(): void {
    this.#isStopped = true;
    for (const queue of this.#queues.values()) queue.stop();
  }

  /** Unless another replica has done it meanwhile. */
  #addIfNeeded(key: string): void {
    const image = this.#index.image(key);
    if (image !== undefined && needsResolving(image)) this.#add(key);
  }

  #add(key: string): void {
    if (this.#isStopped) return;
    const queue = this.#queues.get(key) ?? this.#queue();
    this.#queues.set(key, queue);
    queue.add(key);
  }

  #queue(): WorkQueue {
    const { random, setTimer } = this.#parts;
    const { onFound, onFailure } = this.#told;
    const pace = new RefusalPace();
    return createWorkQueue({
      work: (key) =>
        resolveImage(key, {
          index: this.#index,
          parts: this.#parts,
          onTrouble: onFound,
          onResolved: (image) => onFound(image, "fine"),
        }),
      longestDelayMs: PAUSE_MS,
      wantedMs: (error) =>
        Math.max(pace.wantedMs(error), isRegistryBusy(error) ? error.retry.afterMs : retryAfterMs(error)),
      onFailure,
      random,
      setTimer,
    });
  }
}
