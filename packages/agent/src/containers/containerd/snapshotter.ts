/** The snapshotter that ctr is told to use. */
import type { ContainerRuntime } from "../runtime.ts";

export function snapshotterOf({ snapshotter }: ContainerRuntime): readonly string[] {
  return snapshotter === undefined ? [] : ["--snapshotter", snapshotter];
}
