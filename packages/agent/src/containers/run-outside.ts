/** What running a container needs of the world. */
import type { RuntimeDriver } from "./driver.ts";
import type { ContainerCalls } from "./io/container-calls.ts";
import type { RunFolder } from "./io/run-folder.ts";

export interface RunOutside {
  readonly driver: RuntimeDriver;
  readonly folder: RunFolder;
  readonly calls: ContainerCalls;
  /** Where it is missing. @throws ContainerError CONTAINER_MOUNT_FAILED, CONTAINER_DISK_FULL */
  readonly makeMountSource: (source: string) => Promise<void>;
  /** Of a clock that nobody sets, in milliseconds. */
  readonly nowMs: () => number;
  /** Resolves also when the signal is given. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** Between looks at something that changes by itself: at first soon, then less often. */
export const FIRST_LOOK_MS = 50;
export const LONGEST_LOOK_MS = 1_000;
