/** Who holds how much of what there is a bounded number of: where it is all taken, it is a matter of who holds most. */

export class HeldShares<Item> {
  /** By source, in the order in which they were taken. */
  readonly #held = new Map<string, Set<Item>>();
  #size = 0;

  /** Of all sources. */
  get size(): number {
    return this.#size;
  }

  heldBy(source: string): number {
    return this.#held.get(source)?.size ?? 0;
  }

  add(source: string, item: Item): void {
    const own = this.#held.get(source) ?? new Set();
    this.#held.set(source, own.add(item));
    this.#size += 1;
  }

  /** Of an item that is not there, nothing happens. */
  delete(source: string, item: Item): void {
    const own = this.#held.get(source);
    if (own?.delete(item) !== true) return;
    this.#size -= 1;
    if (own.size === 0) this.#held.delete(source);
  }

  /** Who holds most, and more than this one; this one where there is nobody. */
  greediestBut(source: string): string {
    let greediest = source;
    let most = this.heldBy(source);
    for (const [other, { size }] of this.#held) {
      if (size > most) [greediest, most] = [other, size];
    }
    return greediest;
  }

  /** The newest that this source holds: it has the least to lose, and would have been refused had it been the last to come. */
  newestOf(source: string): Item | undefined {
    return [...(this.#held.get(source) ?? [])].at(-1);
  }
}
