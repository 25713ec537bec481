/** Pseudo-random numbers that one seed gives again: sfc32, by Chris Doty-Humphrey; good and fast, and no secret. */

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param stream  tells apart what one seed is used for */
  constructor(seed: number, stream: number) {
    this.#a = seed >>> 0;
    this.#b = stream >>> 0;
    this.#c = 0x9e37_79b9;
    for (let round = 0; round < 12; round += 1) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** From 0 to below the limit; 0 where the limit is. */
  below(limit: number): number {
    return limit <= 1 ? 0 : Math.floor((this.uint32() / 0x1_0000_0000) * limit);
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let at = 0; at < count; at += 1) bytes[at] = this.uint32() & 0xff;
    return bytes;
  }
}
