/** How many machines come back often, since the next free slots are theirs: in all clusters of all images. */
import { concurrencyOf } from "./amount.ts";
import type { Group, ImageState } from "./image-state.ts";
import { frontOf, headOf } from "./pace.ts";

export class Fronts {
  #front = 0;
  #head = 0;

  get front(): number {
    return this.#front;
  }

  /** Of them, those that come back soonest. */
  get head(): number {
    return this.#head;
  }

  /** After a change of who waits in the group. */
  refresh(image: ImageState, group: Group): void {
    const limit = concurrencyOf(image.image.concurrency, group.total);
    const front = Math.min(group.waiting.size, frontOf(limit));
    this.#front += front - group.front;
    image.front += front - group.front;
    group.front = front;
    const head = Math.min(group.waiting.size, headOf(limit));
    this.#head += head - group.head;
    group.head = head;
  }
}
