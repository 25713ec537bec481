/** Versions of operating systems, how they follow each other, and ranges of them. */
export {
  compareVersions,
  parseShortVersion,
  parseVersion,
  VERSION_MAX_CHARACTERS,
  VERSION_PATTERN,
} from "./version.ts";
export type { Version } from "./version.ts";
export { isInRange, parseVersionRange, RANGE_MAX_CHARACTERS } from "./version-range.ts";
export type { VersionRange } from "./version-range.ts";
