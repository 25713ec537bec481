/** A real containerd, for tests that run containers. */
export { findContainerdBinaries } from "./binaries.ts";
export { startContainerd } from "./containerd.ts";
export type { ContainerdOptions, TestContainerd } from "./containerd.ts";
