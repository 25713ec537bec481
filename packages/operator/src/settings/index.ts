/** The operator's settings. */
export { SETTINGS_ERRORS, SettingsError } from "./errors.ts";
export { readSettings } from "./read-settings.ts";
export type { Settings } from "./read-settings.ts";
export { SETTINGS } from "./settings-table.ts";
