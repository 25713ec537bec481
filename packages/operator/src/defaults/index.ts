/** Objects that the operator makes where they are missing: how the chart gives a new cluster its first ones. */
export { DEFAULTS_ERRORS, DefaultsError } from "./errors.ts";
export { makeDefaults } from "./io/make-defaults.ts";
export type { MakingDefaults } from "./io/make-defaults.ts";
export { parseDefaults } from "./parse-defaults.ts";
export type { DefaultObject } from "./parse-defaults.ts";
