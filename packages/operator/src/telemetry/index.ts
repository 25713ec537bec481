/** What the operator says about itself. */
export { apiTarget, apiVerb, statusOutcome } from "./api-call.ts";
export type { ApiCall, ApiOutcome } from "./api-call.ts";
export { DECISION_REASONS } from "./decision.ts";
export type { Decision, DecisionKind, DecisionProtocol, DecisionReason, ObjectReference } from "./decision.ts";
export { createDecisionLog } from "./decision-log.ts";
export type { DecisionLog } from "./decision-log.ts";
export { errorFields, hintOf } from "./error-fields.ts";
export type { EventFact } from "./event-object.ts";
export { createEventRecorder } from "./event-recorder.ts";
export type { EventRecorder, EventRequest } from "./event-recorder.ts";
export { METRICS } from "./metrics-table.ts";
export type { MachineStep, MetricRow, QueueName } from "./metrics-table.ts";
export { createMetrics } from "./io/metrics.ts";
export type { Gauges, Metrics } from "./io/metrics.ts";
export { createLog } from "./io/log.ts";
export type { Log, LogFields } from "./io/log.ts";
export { createTroubles } from "./troubles.ts";
export type { Troubles } from "./troubles.ts";
