/** Sizes of the messages about upgrades; docs/protocol.md is held against them. */

/** Of a plan: the cloud config as text. */
export const CLOUD_CONFIG_MAX_CHARACTERS = 64 * 1024;
/** Of a status: the sentence that says why, and the last lines of a container's output. */
export const STATUS_MESSAGE_MAX_CHARACTERS = 1024;
/** Environment variables, mounts, arguments of one container. */
export const CONTAINER_ITEMS_MAX = 256;
export const CONTAINER_TEXT_MAX_CHARACTERS = 32 * 1024;
/** Image references, as the resource has them. */
export const REFERENCE_MAX_CHARACTERS = 4096;
