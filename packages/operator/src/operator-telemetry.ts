/** How the operator makes its decisions known: the parts of telemetry/ put together with the API server. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Kubernetes } from "./controller/index.ts";
import type { InventoryErrorCode } from "./inventory/index.ts";
import { ALL_REASONS } from "./refusal-reasons.ts";
import {
  createDecisionLog,
  createEventRecorder,
  errorFields,
  type DecisionLog,
  type EventFact,
  type Log,
  type Metrics,
  type ObjectReference,
} from "./telemetry/index.ts";

export interface OperatorTelemetry extends DecisionLog {
  /** An Event at an object; never waits, and never throws. */
  record(fact: EventFact): void;
  stop(): Promise<void>;
}

/** An Event at a machine's inventory that people have to look at. */
export function inventoryWarning(inventory: ObjectReference, reason: InventoryErrorCode, note: string): EventFact {
  return { regarding: { ...inventory, kind: "MachineInventory" }, type: "Warning", action: "Read", reason, note };
}

function every(run: () => void, periodMs: number): () => void {
  const timer = setInterval(run, periodMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** @param nowMs  the cluster's time, which Events bear */
export function createOperatorTelemetry(
  kubernetes: Kubernetes,
  log: Log,
  metrics: Metrics,
  nowMs: () => number,
): OperatorTelemetry {
  const events = createEventRecorder({
    send: (request) => kubernetes.send(request),
    nowMs,
    random: randomBytes,
    every,
    // Of a pod, its name.
    instance: hostname(),
    onWritten: (result) => metrics.countEvent(result),
    onTrouble: (error) => log.debug("an Event could not be written", errorFields(error)),
  });
  const decisions = createDecisionLog({
    log,
    reasons: ALL_REASONS,
    count: (labels, durationMs) => metrics.countDecision(labels, durationMs),
    events,
  });
  return {
    decide: (decision) => decisions.decide(decision),
    record: (fact) => events.record(fact),
    stop: () => events.stop(),
  };
}
