/** The files that are under way to machines, or waited for: as many as there may be, and no slow one in the way of others. */
import { BootError } from "./errors.ts";

/** Source: the registry client's MAX_STREAMS; more would wait for each other there. */
export const MAX_TRANSFERS = 32;
/** Slower than that nobody loads an operating system, but somebody keeps others from it. */
export const SLOWEST_BYTES_PER_MS = 64;
/** So long a transfer may take to come to its pace. */
const GRACE_MS = 10_000;

export interface Transfer {
  /** So many bytes more were taken. */
  took(bytes: number): void;
  end(): void;
}

interface UnderWay {
  readonly source: string | undefined;
  readonly beganMs: number;
  readonly stop: () => void;
  bytes: number;
}

export class Transfers {
  readonly #underWay = new Set<UnderWay>();
  readonly #nowMs: () => number;
  readonly #limit: number;

  /** @param nowMs  a clock that never goes back */
  constructor(nowMs: () => number, limit = MAX_TRANSFERS) {
    this.#nowMs = nowMs;
    this.#limit = limit;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /**
   * @param source  whose it is, where that can be told
   * @param stop    ends the transfer, where another one needs the place that has more right to it
   * @throws BootError  BOOT_BUSY where there are as many as may be, none is too slow, and nobody holds more than the source
   */
  begin(source: string | undefined, stop: () => void): Transfer {
    if (this.#underWay.size >= this.#limit) {
      const least = this.#tooSlow() ?? this.#latestOfWhoHoldsMost(source);
      if (least === undefined)
        throw new BootError("BOOT_BUSY", `${this.#limit} machines load boot files, or wait for them`);
      this.#underWay.delete(least);
      least.stop();
    }
    const one: UnderWay = { source, beganMs: this.#nowMs(), stop, bytes: 0 };
    this.#underWay.add(one);
    return {
      took: (bytes) => void (one.bytes += bytes),
      end: () => void this.#underWay.delete(one),
    };
  }

  #tooSlow(): UnderWay | undefined {
    const nowMs = this.#nowMs();
    let slowest: { readonly one: UnderWay; readonly pace: number } | undefined;
    for (const one of this.#underWay) {
      const ageMs = nowMs - one.beganMs;
      if (ageMs < GRACE_MS) continue;
      const pace = one.bytes / ageMs;
      if (pace < (slowest?.pace ?? SLOWEST_BYTES_PER_MS)) slowest = { one, pace };
    }
    return slowest?.one;
  }

  /** Undefined where the source would hold as many itself then. The latest has the least to lose. */
  #latestOfWhoHoldsMost(source: string | undefined): UnderWay | undefined {
    if (source === undefined) return undefined;
    const told = [...this.#underWay].filter((one) => one.source !== undefined);
    const held = Map.groupBy(told, (one) => one.source);
    const own = held.get(source)?.length ?? 0;
    const [most = []] = [...held.values()].toSorted((one, other) => other.length - one.length);
    return most.length >= own + 2 ? most.at(-1) : undefined;
  }
}
