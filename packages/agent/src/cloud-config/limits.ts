/** How much a cloud-config may be: more than honest ones are, less than what would hold a machine up. */

export const CONFIG_MAX_BYTES = 1024 * 1024;
/** Maps and lists in each other. */
export const MAX_DEPTH = 32;
/** Values, those that aliases repeat counted each time. */
export const MAX_VALUES = 20_000;
/** One file of write_files, unpacked. */
export const FILE_MAX_BYTES = 4 * 1024 * 1024;
/** Told at once; the rest is counted. */
export const MAX_FINDINGS = 50;
