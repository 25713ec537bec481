/** UIDs of objects that a watch has shown to be gone: an answer that was on its way meanwhile does not bring them back. */

/** More than are deleted while one answer is on its way. */
const MAX = 10_000;

export class GoneUids {
  /** The first one was noted longest ago. */
  readonly #uids = new Set<string>();

  get size(): number {
    return this.#uids.size;
  }

  has(uid: string): boolean {
    return this.#uids.has(uid);
  }

  add(uid: string): void {
    this.#uids.delete(uid);
    this.#uids.add(uid);
    const [oldest] = this.#uids;
    if (this.#uids.size > MAX && oldest !== undefined) this.#uids.delete(oldest);
  }

  /** The watch shows it: after a restore an object may be there again. */
  delete(uid: string): void {
    this.#uids.delete(uid);
  }
}
