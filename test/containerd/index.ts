/** A real containerd, for tests that run containers. */
export { findContainerdBinaries } from "./binaries.ts";
export { unmountBelow } from "./unmount-below.ts";
export { OVERLAY_MAGIC, startContainerd } from "./containerd.ts";
export type { ContainerdOptions, TestContainerd } from "./containerd.ts";
