/** The workers of all images: one for each that is there, as long as it is. */
import type { ImageWorker } from "./image-worker.ts";

export class ImageWorkers {
  readonly #workers = new Map<string, ImageWorker>();
  readonly #isThere: (key: string) => boolean;
  readonly #make: (key: string) => ImageWorker;
  #isStopped = false;

  /** @param isThere  whether there is an image of that key */
  constructor(isThere: (key: string) => boolean, make: (key: string) => ImageWorker) {
    this.#isThere = isThere;
    this.#make = make;
  }

  get size(): number {
    return this.#workers.size;
  }

  of(key: string): ImageWorker {
    const found = this.#workers.get(key);
    if (found !== undefined) return found;
    const made = this.#make(key);
    if (this.#isThere(key) && !this.#isStopped) this.#workers.set(key, made);
    // For who is being answered still, such as one who asked for what is gone by now: it writes nothing, and is not kept.
    else made.stop();
    return made;
  }

  forget(key: string): void {
    this.#workers.get(key)?.stop();
    this.#workers.delete(key);
  }

  stop(): void {
    this.#isStopped = true;
    for (const key of this.#workers.keys()) this.forget(key);
  }
}
