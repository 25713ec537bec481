/** Texts in order, with the place of each: what a sorted array is, without moving all of it for each change. */

const CHUNK_MAX = 128;

/** First index in a sorted array whose text is not before the key. */
function lowerBound(texts: readonly string[], key: string): number {
  let [low, high] = [0, texts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((texts[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class OrderedKeys {
  /** Sorted, none empty, each before the next. */
  readonly #chunks: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Index of the chunk in which the key is, or would be. */
  #chunkOf(key: string): number {
    let [low, high] = [0, this.#chunks.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.at(-1) ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low);
  }

  has(key: string): boolean {
    const chunk = this.#chunks[this.#chunkOf(key)];
    return chunk !== undefined && chunk[lowerBound(chunk, key)] === key;
  }

  add(key: string): void {
    if (this.#chunks.length === 0) this.#chunks.push([]);
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return;
    const at = lowerBound(chunk, key);
    if (chunk[at] === key) return;
    chunk.splice(at, 0, key);
    this.#size += 1;
    if (chunk.length > CHUNK_MAX) this.#chunks.splice(index + 1, 0, chunk.splice(CHUNK_MAX >>> 1));
  }

  /** @param isIn  whether it is to be one of them */
  set(key: string, isIn: boolean): void {
    if (isIn) this.add(key);
    else this.delete(key);
  }

  delete(key: string): void {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return;
    const at = lowerBound(chunk, key);
    if (chunk[at] !== key) return;
    chunk.splice(at, 1);
    this.#size -= 1;
    if (chunk.length === 0) this.#chunks.splice(index, 1);
  }

  /** How many keys are before it, whether it is one of them or not. */
  rank(key: string): number {
    const index = this.#chunkOf(key);
    let before = 0;
    for (let one = 0; one < index; one += 1) before += this.#chunks[one]?.length ?? 0;
    return before + lowerBound(this.#chunks[index] ?? [], key);
  }
}
