/** Whether an image fits into the runtime's storage. */
import { ContainerError } from "./errors.ts";

export interface FileSystemSpace {
  readonly path: string;
  /** What this user may fill. */
  readonly freeBytes: number;
}

export interface StorageNeed {
  /** Bytes that have still to be transferred; they are kept as they come. */
  readonly transferBytes: number;
  /** Compressed bytes of what is still to be unpacked. */
  readonly unpackBytes: number;
}

/**
 * Manifests tell compressed sizes only. Layers of operating systems take 2 to 3 times as much unpacked; what a kubelet
 * needs to stay out of disk pressure is not in this.
 */
const UNPACKED_FACTOR = 3.5;
/** For what the upgrade itself writes, the runtime's database and the file system's own. */
const RESERVE_BYTES = 256 * 1024 * 1024;

/** An estimate, on the safe side. */
export function neededBytes(need: StorageNeed): number {
  if (need.transferBytes === 0 && need.unpackBytes === 0) return 0;
  return Math.ceil(need.transferBytes + need.unpackBytes * UNPACKED_FACTOR + RESERVE_BYTES);
}

/** @throws ContainerError CONTAINER_DISK_FULL with what is there and what is needed */
export function checkSpace(space: FileSystemSpace, need: StorageNeed): void {
  const needed = neededBytes(need);
  if (space.freeBytes >= needed) return;
  const message = `${space.path} has ${mebibytes(space.freeBytes)} MiB free, and the image needs about ${mebibytes(needed)} MiB`;
  throw new ContainerError("CONTAINER_DISK_FULL", message, {
    details: { path: space.path, freeBytes: space.freeBytes, neededBytes: needed },
  });
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024));
}
