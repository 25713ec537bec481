/** What was decided about a machine: handed to one place, whatever the protocol. */
import type { DecisionLog } from "../telemetry/index.ts";

/** Never throws, and never waits. */
export type Decide = DecisionLog["decide"];
export type { Decision } from "../telemetry/index.ts";
