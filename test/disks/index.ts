/** Disks that are files: attached as loop devices, looked into partition by partition. */
export { makeFrozenDisk, type FrozenDisk } from "./frozen-disk.ts";
export { makeDisk, type TestDisk, type TestDiskOptions } from "./loop-disk.ts";
export { ENDING_DEVICE, tellingKernel } from "./telling-kernel.ts";
export { systemEntries, systemTree } from "./system-tree.ts";
