/** Upgrades of this machine's operating system: what it does with a plan, and what it remembers of it. */
export { UPGRADE_ERRORS, UpgradeError } from "./errors.ts";
export type { UpgradeErrorCode } from "./errors.ts";
export { EMPTY_JOURNAL } from "./journal.ts";
export type { Ended, Ending, FailedDigest, Journal, Order, Reason, Run, Subject } from "./journal.ts";
export { statusOf } from "./status.ts";
