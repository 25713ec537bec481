/** Sizes of the messages about upgrades, which docs/protocol.md is held against, and how late they may come. */

/** Of a plan: the cloud config as text. */
export const CLOUD_CONFIG_MAX_CHARACTERS = 64 * 1024;
/** Of a status: the sentence that says why, and the last lines of a container's output. */
export const STATUS_MESSAGE_MAX_CHARACTERS = 1024;
/** Environment variables, mounts, arguments of one container. */
export const CONTAINER_ITEMS_MAX = 256;
export const CONTAINER_TEXT_MAX_CHARACTERS = 32 * 1024;
/** Image references, as the resource has them. */
export const REFERENCE_MAX_CHARACTERS = 4096;
/** An agent that is refused again and again, as by the 404 of an ingress without an operator, asks once in so long. */
export const AGENT_SILENT_MAX_MS = 15 * 60_000;
