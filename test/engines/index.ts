/** Engines that share docker's command line, for tests that run containers. */
export { startDocker } from "./docker.ts";
export { startPodman } from "./podman.ts";
export type { TestEngine } from "./test-engine.ts";
