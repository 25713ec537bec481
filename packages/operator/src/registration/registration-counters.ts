/** What registrations count in their status, and when it is worth a write. */
import type { MachineRegistrationStatus } from "@rancheros/protocol/resources";

interface Refusals {
  readonly count: number;
  readonly last: { readonly reason: string; readonly time: string };
}

export interface MachineCounts {
  readonly machines: number;
  readonly pending: number;
}

/** Refused visits that are not in a status yet; one entry a registration at most. */
export class RefusalCounter {
  readonly #byKey = new Map<string, Refusals>();

  /** @param key  namespace, slash, name  @param reason  code of docs/errors.md */
  note(key: string, reason: string, nowMs: number): void {
    const time = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
    this.#byKey.set(key, { count: (this.#byKey.get(key)?.count ?? 0) + 1, last: { reason, time } });
  }

  /** Of registrations with refusals that are in no status yet. */
  keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  waiting(key: string): Refusals | undefined {
    return this.#byKey.get(key);
  }

  /** These are in the status now; what came meanwhile stays. */
  written(key: string, refusals: Refusals): void {
    const now = this.#byKey.get(key);
    const left = (now?.count ?? 0) - refusals.count;
    if (now === undefined || left <= 0) this.#byKey.delete(key);
    else this.#byKey.set(key, { count: left, last: now.last });
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }
}

/** Beyond it numbers are counted no more; somebody may have written one to which Kubernetes lets nothing be added. */
const COUNTED_MAX = Number.MAX_SAFE_INTEGER;

/**
 * @param counts  undefined while the machines are not known
 * @returns       what to change in the status, undefined where nothing has changed
 */
export function counterPatch(
  status: MachineRegistrationStatus | undefined,
  counts: MachineCounts | undefined,
  refusals: Refusals | undefined,
): Partial<MachineRegistrationStatus> | undefined {
  const isCounted =
    counts === undefined || (counts.machines === status?.machineCount && counts.pending === status?.pendingCount);
  if (isCounted && refusals === undefined) return undefined;
  const refusedCount = Math.min((status?.refusedCount ?? 0) + (refusals?.count ?? 0), COUNTED_MAX);
  return {
    ...(counts === undefined ? {} : { machineCount: counts.machines, pendingCount: counts.pending }),
    ...(refusals === undefined ? {} : { refusedCount, lastRefusal: refusals.last }),
  };
}
