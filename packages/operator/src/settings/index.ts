/** The operator's settings. */
export { SETTINGS_ERRORS, SettingsError } from "./errors.ts";
export { followFiles } from "./io/followed-file.ts";
export type { FollowedFiles } from "./io/followed-file.ts";
export { readGivenFile, unreadable } from "./io/read-given-file.ts";
export { readSettings } from "./read-settings.ts";
export type { Settings } from "./read-settings.ts";
export { SETTINGS } from "./settings-table.ts";
