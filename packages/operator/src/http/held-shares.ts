/** Who holds how much of what there is a bounded number of: where it is all taken, it is a matter of who holds most. */

/** Of one source, or of all that are counted together first. */
interface Share<Item> {
  size: number;
  /** None at a source itself. */
  readonly parts: Map<string, Share<Item>>;
  /** In the order in which they were taken. */
  readonly items: Set<Item>;
}

function newShare<Item>(): Share<Item> {
  return { size: 0, parts: new Map(), items: new Set() };
}

function greediestOf<Item>({ parts }: Share<Item>): Share<Item> | undefined {
  let greediest: Share<Item> | undefined;
  for (const part of parts.values()) if (part.size > (greediest?.size ?? 0)) greediest = part;
  return greediest;
}

/** A source is given by its path: see sourcePathOf. */
export class HeldShares<Item> {
  readonly #all = newShare<Item>();
  readonly #givesWay: "oldest" | "newest";

  /** @param givesWay  which one of those of one source makes room first */
  constructor(givesWay: "oldest" | "newest") {
    this.#givesWay = givesWay;
  }

  heldBy(path: readonly string[]): number {
    return this.#shareOf(path)?.size ?? 0;
  }

  add(path: readonly string[], item: Item): void {
    let share = this.#all;
    share.size += 1;
    for (const name of path) {
      const part = share.parts.get(name) ?? newShare();
      share.parts.set(name, part);
      part.size += 1;
      share = part;
    }
    share.items.add(item);
  }

  /** Of an item that is not there, nothing happens. */
  delete(path: readonly string[], item: Item): void {
    if (this.#shareOf(path)?.items.delete(item) !== true) return;
    let above = this.#all;
    above.size -= 1;
    for (const name of path) {
      const part = above.parts.get(name);
      if (part === undefined) return;
      part.size -= 1;
      if (part.size === 0) above.parts.delete(name);
      above = part;
    }
  }

  /**
   * What others have to give back for this source. What is counted together is compared first, and only where nobody holds
   * more there, its parts.
   * @param more  how many this one is to be counted with beside those that it holds
   * @returns     undefined where nobody holds more
   */
  roomFor(path: readonly string[], more = 0): Item | undefined {
    let share: Share<Item> | undefined = this.#all;
    for (const name of path) {
      if (share === undefined) return undefined;
      const own: Share<Item> | undefined = share.parts.get(name);
      const greediest = greediestOf(share);
      if (greediest !== undefined && greediest.size > (own?.size ?? 0) + more) return this.#firstOf(greediest);
      share = own;
    }
    return undefined;
  }

  /** What this source itself gives back first. */
  ownRoom(path: readonly string[]): Item | undefined {
    const own = this.#shareOf(path);
    return own === undefined ? undefined : this.#firstOf(own);
  }

  #shareOf(path: readonly string[]): Share<Item> | undefined {
    let share: Share<Item> | undefined = this.#all;
    for (const name of path) share = share?.parts.get(name);
    return share;
  }

  #firstOf(share: Share<Item>): Item | undefined {
    const greediest = greediestOf(share);
    if (greediest !== undefined) return this.#firstOf(greediest);
    let first: Item | undefined;
    for (const item of share.items) {
      first = item;
      if (this.#givesWay === "oldest") break;
    }
    return first;
  }
}
