/** Slots and failures as the status has them, and machines counted. */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";

export type Slot = NonNullable<ManagedOSImageStatus["slots"]>[number];
export type Failure = NonNullable<ManagedOSImageStatus["failures"]>[number];

export interface Counts {
  total: number;
  /** Say that they run the plan. */
  done: number;
  /** Say that the plan went wrong, and nobody asked to try again. */
  broken: number;
  canaries: number;
  canariesDone: number;
}
