/** Slots and failures as the status has them, and machines counted. */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";

export type Slot = NonNullable<ManagedOSImageStatus["slots"]>[number];
export type Failure = NonNullable<ManagedOSImageStatus["failures"]>[number];

/**
 * So many machines of one image are under way at a time, whatever concurrency says: the status has to fit into what
 * etcd stores, 1.5 MiB with the API server's own notes on who wrote which field.
 */
export const SLOTS_MAX = 2_000;

/** Each machine once, whatever somebody has written into the status by hand. */
export function byUid<One extends { readonly uid: string }>(list: readonly One[] = []): ReadonlyMap<string, One> {
  return new Map(list.map((one) => [one.uid, one]));
}

export interface Counts {
  total: number;
  /** Say that they run the plan. */
  done: number;
  /** Say that the plan went wrong, and nobody asked to try again. */
  broken: number;
  /** May not go from what they run to the version. */
  refused: number;
  /** Those that may go to the version. */
  canaries: number;
  canariesDone: number;
}
