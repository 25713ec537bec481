/** What /metrics shows, in Prometheus' text format. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { DecisionLabels } from "../decision-log.ts";

/** Half a second is a healthy visit; after ten the operator hangs up. */
const VISIT_BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];
/** Its timer wakes an idle operator up so often. */
const EVENT_LOOP_PRECISION_MS = 50;

/** What is looked at when somebody asks. */
export interface Gauges {
  /** Visits that have begun and not ended. */
  readonly sessions: () => number;
  readonly inventories: () => number;
  readonly registrations: () => number;
  /** Milliseconds since the API server was last heard of each kind. */
  readonly quietMs: () => Readonly<Record<"machineinventories" | "machineregistrations" | "managedosimages", number>>;
}

export interface Metrics {
  countDecision(labels: DecisionLabels, durationMs: number | undefined): void;
  countEvent(result: "written" | "failed"): void;
  /** All of it, as a scraper reads it. */
  page(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createMetrics(gauges: Gauges): Metrics {
  // One of its own: the library's global one would be shared with whatever else runs in the process.
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });

  const decisions = new Counter({
    name: "rancheros_decisions_total",
    help: "Decisions about machines; the reasons are the codes of docs/errors.md.",
    labelNames: ["decision", "reason", "protocol"],
    registers,
  });
  const visits = new Histogram({
    name: "rancheros_visit_duration_seconds",
    help: "From a machine's first message to the decision about it; in the attestation protocol from its challenge.",
    labelNames: ["decision", "protocol"],
    buckets: VISIT_BUCKETS_SECONDS,
    registers,
  });
  const events = new Counter({
    name: "rancheros_events_total",
    help: "Kubernetes Events that were written, or could not be.",
    labelNames: ["result"],
    registers,
  });
  const gauge = (name: string, help: string, look: () => number): void => {
    const one: Gauge = new Gauge({ name, help, registers, collect: () => one.set(look()) });
  };
  gauge("rancheros_sessions_in_flight", "Visits of machines that have begun and not ended.", gauges.sessions);
  gauge("rancheros_inventories", "MachineInventories that the operator knows.", gauges.inventories);
  gauge("rancheros_registrations", "MachineRegistrations that the operator knows.", gauges.registrations);
  const ages: Gauge<"resource"> = new Gauge({
    name: "rancheros_watch_age_seconds",
    help: "Since the API server was last heard of these objects; at most half a minute while all is well.",
    labelNames: ["resource"],
    registers,
    collect() {
      for (const [resource, ms] of Object.entries(gauges.quietMs())) ages.set({ resource }, ms / 1_000);
    },
  });

  return {
    countDecision({ decision, reason, protocol }, durationMs) {
      decisions.inc({ decision, reason, protocol });
      if (durationMs !== undefined) visits.observe({ decision, protocol }, durationMs / 1_000);
    },
    countEvent(result) {
      events.inc({ result });
    },
    async page() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
