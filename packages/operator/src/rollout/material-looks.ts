/**
 * Looks again for what an image refers to, as long as its status says that this cannot be had: machines that are done, or
 * that wait for something else, do not find out that it is back.
 */
import type { ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutParts } from "./rollout-parts.ts";

/** From one look to the next: twice as long each time. */
const FIRST_MS = 8_000;
const LONGEST_MS = 60_000;

/** Without a plan it is the registry that is being asked; see needsResolving. */
function isSaidMissing({ plan, image }: ImageState): boolean {
  if (plan === undefined || image.problems.length > 0) return false;
  const said = image.object.status?.conditions?.find(({ type }) => type === "Resolved");
  return said?.status === "False";
}

export class MaterialLooks {
  readonly #index: RolloutIndex;
  readonly #parts: Pick<RolloutParts, "lagMs" | "random" | "setTimer">;
  readonly #lookNow: (image: ImageState) => Promise<unknown>;
  /** What cancels the next look, by the key of the image. */
  readonly #cancels = new Map<string, () => void>();

  /** @param lookNow  looks, and reports what it has found; it throws nothing */
  constructor(
    index: RolloutIndex,
    parts: Pick<RolloutParts, "lagMs" | "random" | "setTimer">,
    lookNow: (image: ImageState) => Promise<unknown>,
  ) {
    this.#index = index;
    this.#parts = parts;
    this.#lookNow = lookNow;
  }

  /** After any change of the image. */
  look(image: ImageState): void {
    const { key } = image.image;
    if (!isSaidMissing(image)) this.forget(key);
    else if (!this.#cancels.has(key)) this.#lookIn(key, FIRST_MS);
  }

  forget(key: string): void {
    this.#cancels.get(key)?.();
    this.#cancels.delete(key);
  }

  stop(): void {
    for (const key of this.#cancels.keys()) this.forget(key);
  }

  #lookIn(key: string, pauseMs: number): void {
    const cancel = this.#parts.setTimer(
      () => void this.#lookAgain(key, pauseMs),
      pauseMs * (0.5 + this.#parts.random()),
    );
    this.#cancels.set(key, cancel);
  }

  async #lookAgain(key: string, pauseMs: number): Promise<void> {
    const planned = this.#cancels.get(key);
    const image = this.#index.image(key);
    if (image === undefined || !isSaidMissing(image)) {
      this.forget(key);
      return;
    }
    // The others go on as well: each of them may come to lead.
    if (this.#parts.lagMs() === 0) await this.#lookNow(image);
    if (this.#cancels.get(key) === planned) this.#lookIn(key, Math.min(LONGEST_MS, 2 * pauseMs));
  }
}
