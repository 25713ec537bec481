/** The last challenges of machines that were deleted: their inventories would remember, and are gone. */
import { CHALLENGE_LIFETIME_MS } from "@rancheros/protocol/attestation";

/** Many more than somebody deletes in a minute; beyond that the oldest is forgotten. */
const LIMIT = 100_000;
/** No challenge is answered later than that, however the replicas' clocks differ. */
const KEPT_MS = 2 * CHALLENGE_LIFETIME_MS;

export class DeletedChallenges {
  /** In the order in which they were noted, by the hash of the endorsement key. */
  readonly #noted = new Map<string, { readonly challenge: string; readonly atMs: number }>();

  get size(): number {
    return this.#noted.size;
  }

  /** @param nowMs  of a clock that never goes back */
  note(ekHash: string, challenge: string, nowMs: number): void {
    this.#noted.delete(ekHash);
    this.#noted.set(ekHash, { challenge, atMs: nowMs });
    for (const [oldest, { atMs }] of this.#noted) {
      if (nowMs - atMs <= KEPT_MS && this.#noted.size <= LIMIT) break;
      this.#noted.delete(oldest);
    }
  }

  /** The challenge that the machine used last before it was deleted, where that was lately. */
  last(ekHash: string, nowMs: number): string | undefined {
    const noted = this.#noted.get(ekHash);
    return noted === undefined || nowMs - noted.atMs > KEPT_MS ? undefined : noted.challenge;
  }
}
