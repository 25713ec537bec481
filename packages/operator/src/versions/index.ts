/** Versions of operating systems, and the channels that they come from. */
export { nestingProblems } from "./is-deeper-than.ts";
export { variableProblems } from "./variable-problems.ts";
export { pathRefusal } from "./upgrade-path.ts";
export type { PathRefusal } from "./upgrade-path.ts";
export { readVersion } from "./version-facts.ts";
export type { VersionFacts, VersionReading } from "./version-facts.ts";
export { NO_VERSIONS } from "./version-index.ts";
export type { VersionLookup } from "./version-index.ts";
export { runVersionController } from "./io/version-controller.ts";
export type { VersionController } from "./io/version-controller.ts";
export { CHANNEL_ERRORS, ChannelError } from "./errors.ts";
export type { ChannelErrorCode } from "./errors.ts";
export { runChannelController } from "./io/channel-controller.ts";
export type { ChannelController, ChannelControllerOptions, ChannelNews } from "./io/channel-controller.ts";
export { LIST_MAX_BYTES } from "./channel-list.ts";
export type { ChannelCounts, VersionCounts } from "./catalog-counts.ts";
