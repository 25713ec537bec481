/** Where images stand for those who ask, made at most once a second and change. */
import type { Hearing } from "./hearing.ts";
import type { ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import { standingOf, type Standing } from "./standing.ts";
import { viewOf } from "./view-of.ts";

const STANDING_MS = 1_000;

interface Made {
  readonly standing: Standing;
  readonly object: object;
  readonly atMs: number;
}

export class Standings {
  readonly #index: RolloutIndex;
  readonly #isReady: (key: string) => boolean;
  readonly #hearing: Hearing;
  readonly #made = new Map<ImageState, Made>();

  constructor(index: RolloutIndex, isReady: (key: string) => boolean, hearing: Hearing) {
    this.#index = index;
    this.#isReady = isReady;
    this.#hearing = hearing;
  }

  /** Something has changed for it. */
  forget(image: ImageState): void {
    this.#made.delete(image);
  }

  of(image: ImageState, nowMs: number): Standing {
    const { object, key } = image.image;
    const known = this.#made.get(image);
    if (known !== undefined && known.object === object && Math.abs(nowMs - known.atMs) < STANDING_MS) {
      return known.standing;
    }
    for (const one of this.#made.keys()) if (this.#index.image(one.image.key) !== one) this.#made.delete(one);
    const view = viewOf(this.#index, image, nowMs, this.#isReady(key), this.#hearing());
    const standing = standingOf(view, nowMs);
    this.#made.set(image, { standing, object, atMs: nowMs });
    return standing;
  }
}
