/** Things that expire unless they are renewed, each renewal and each expiry for the same small price. */

const BUCKET_MS = 2_000;

export class Expiry<Thing> {
  readonly #untilMs = new Map<Thing, number>();
  /** By the time at which they are looked at next; a renewed one stays where it is until then. */
  readonly #buckets = new Map<number, Set<Thing>>();
  /** The first bucket that has not been looked at. */
  #next: number | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#untilMs.size;
  }

  has(thing: Thing): boolean {
    return this.#untilMs.has(thing);
  }

  #place(thing: Thing, untilMs: number): void {
    const bucket = Math.floor(untilMs / BUCKET_MS) + 1;
    const found = this.#buckets.get(bucket);
    if (found === undefined) this.#buckets.set(bucket, new Set([thing]));
    else found.add(thing);
    this.#next = Math.min(this.#next ?? bucket, bucket);
  }

  /** Never makes it shorter. */
  renew(thing: Thing, untilMs: number): void {
    const old = this.#untilMs.get(thing);
    if (old !== undefined && old >= untilMs) return;
    this.#untilMs.set(thing, untilMs);
    if (old === undefined) this.#place(thing, untilMs);
  }

  delete(thing: Thing): void {
    // What is left in its bucket is passed over when its time comes.
    this.#untilMs.delete(thing);
  }

  /** A clock that was set back lets nothing live on for longer than it was to. */
  #setBack(byMs: number): void {
    this.#buckets.clear();
    this.#next = undefined;
    for (const [thing, untilMs] of this.#untilMs) {
      this.#untilMs.set(thing, untilMs - byMs);
      this.#place(thing, untilMs - byMs);
    }
  }

  /** @returns what has expired since the last call */
  expired(nowMs: number): readonly Thing[] {
    if (nowMs < this.#lookedMs - BUCKET_MS) this.#setBack(this.#lookedMs - nowMs);
    this.#lookedMs = nowMs;
    const gone: Thing[] = [];
    const last = Math.floor(nowMs / BUCKET_MS);
    if (this.#next === undefined || this.#next > last) return gone;
    for (const bucket of [...this.#buckets.keys()].filter((one) => one <= last)) {
      const things = this.#buckets.get(bucket) ?? new Set<Thing>();
      this.#buckets.delete(bucket);
      for (const thing of things) {
        const untilMs = this.#untilMs.get(thing);
        if (untilMs === undefined) continue;
        if (untilMs > nowMs) this.#place(thing, untilMs);
        else {
          this.#untilMs.delete(thing);
          gone.push(thing);
        }
      }
    }
    this.#next = this.#buckets.size === 0 ? undefined : Math.min(...this.#buckets.keys());
    return gone;
  }
}
