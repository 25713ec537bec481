/** Pairs of few primes make many RSA keys: all different, and worthless for anything but a test. */
import { randomBytes } from "node:crypto";
import { rsaPrime } from "./rsa-primes.ts";

/** Pairs in the order (1,0), (2,0), (2,1), (3,0)...: a larger pool keeps the pairs of a smaller one. */
export function pairOf(index: number): readonly [number, number] {
  const higher = Math.floor((1 + Math.sqrt(1 + 8 * index)) / 2);
  return [higher, index - (higher * (higher - 1)) / 2];
}

export class PrimePairs {
  readonly #bits: number;
  readonly #primes: bigint[] = [];
  #next = 0;

  /** @param bits  of each prime */
  constructor(bits: number) {
    this.#bits = bits;
  }

  /** A pair that nobody has had: sixty of them take twelve primes. */
  next(): readonly [bigint, bigint] {
    const [one, other] = pairOf(this.#next++);
    return [this.#prime(one), this.#prime(other)];
  }

  #prime(place: number): bigint {
    return (this.#primes[place] ??= rsaPrime(this.#bits, randomBytes));
  }
}
