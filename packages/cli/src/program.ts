/** What this program is called, for oclif and for people. */
import pjson from "../package.json" with { type: "json" };

export const BIN = "ros-agent";
export const VERSION = pjson.version;

/** In the shape of a package.json, as oclif wants it. */
export const PROGRAM = {
  name: BIN,
  version: VERSION,
  description: "Lets a bare-metal machine join by its TPM, and keeps its operating system up to date.",
  type: "module",
  oclif: {
    bin: BIN,
    topicSeparator: " ",
    helpOptions: { flagSortOrder: "none", hideCommandSummaryInDescription: true, maxWidth: 100 },
  },
} as const;
