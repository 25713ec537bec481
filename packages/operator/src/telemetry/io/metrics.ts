/** What /metrics shows, in Prometheus' text format. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Phase } from "@rancheros/protocol/upgrade";
import type { ApiCall } from "../api-call.ts";
import type { DecisionProtocol } from "../decision.ts";
import type { DecisionLabels } from "../decision-log.ts";
import {
  DIAL_RESULTS,
  METRICS,
  SYNC_RESULTS,
  TUNNEL_STATES,
  type CERTIFICATES,
  type MachineStep,
  type MetricRow,
  type QueueName,
  type WATCHED,
} from "../metrics-table.ts";

/** Its timer wakes an idle operator up so often. */
const EVENT_LOOP_PRECISION_MS = 50;

/** By these machines are challenged; an alert asks how many of them fail of a sudden. */
const CHALLENGED = ["legacy", "attestation"] satisfies readonly DecisionProtocol[];

/** What is looked at when somebody asks. */
export interface Gauges {
  readonly isReady: () => boolean;
  readonly isLeader: () => boolean;
  /** Visits that have begun and not ended. */
  readonly sessions: () => number;
  readonly inventories: () => number;
  readonly machines: () => readonly { readonly approval: string; readonly phase: Phase; readonly count: number }[];
  readonly registrations: () => number;
  readonly rollouts: () => {
    readonly states: Readonly<Record<string, number>>;
    readonly machines: Readonly<Record<string, number>>;
  };
  readonly queues: () => Readonly<Record<QueueName, { readonly depth: number; readonly failing: number }>>;
  /** Milliseconds since the API server was last heard of each kind. */
  readonly quietMs: () => Readonly<Record<(typeof WATCHED)[number], number>>;
  /** How far the API server's clock is ahead of ours. */
  readonly clockSkewMs: () => number;
  readonly tunnel: () => { readonly state: (typeof TUNNEL_STATES)[number]; readonly openedAtMs: number | undefined };
  readonly channels: () => {
    readonly states: Readonly<Record<string, number>>;
    readonly ageMs: number;
    readonly overdueMs: number;
  };
  readonly versions: () => Readonly<Record<string, number>>;
  /** When they end, since the epoch. */
  readonly certificatesEndMs: () => Partial<Readonly<Record<(typeof CERTIFICATES)[number], number>>>;
}

export interface Metrics {
  /** From now on the gauges are looked at; called once. */
  watch(gauges: Gauges): void;
  countDecision(labels: DecisionLabels, durationMs: number | undefined): void;
  countEvent(result: "written" | "failed"): void;
  countApiCall(call: ApiCall): void;
  countSlot(): void;
  countFailedUpgrade(): void;
  countTunnelDial(result: (typeof DIAL_RESULTS)[number]): void;
  countChannelSync(result: (typeof SYNC_RESULTS)[number]): void;
  /** @param status  of HTTP */
  observeRequest(step: MachineStep, status: number, durationMs: number): void;
  /** All of it, as a scraper reads it. */
  page(): Promise<{ readonly contentType: string; readonly text: string }>;
}

function configOf(row: MetricRow, registry: Registry) {
  return { name: row.name, help: row.help, labelNames: Object.keys(row.labels), registers: [registry] };
}

/** @param version  of the operator */
export function createMetrics(version: string): Metrics {
  // One of its own: the library's global one would be shared with whatever else runs in the process.
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  const counter = (row: MetricRow) => new Counter(configOf(row, registry));
  const histogram = (row: MetricRow) =>
    new Histogram({ ...configOf(row, registry), buckets: [...(row.bucketsSeconds ?? [])] });
  /** @param collect  fills it when somebody asks */
  const gauge = (row: MetricRow, collect: (one: Gauge) => void): void => {
    const one: Gauge = new Gauge({
      ...configOf(row, registry),
      collect() {
        // What is not there any more must not be shown any more.
        if (Object.keys(row.labels).length > 0) one.reset();
        collect(one);
      },
    });
  };

  const decisions = counter(METRICS.decisions);
  const visits = histogram(METRICS.visits);
  const requests = histogram(METRICS.requests);
  const events = counter(METRICS.events);
  const apiRequests = counter(METRICS.apiRequests);
  const apiDuration = histogram(METRICS.apiDuration);
  const slots = counter(METRICS.slots);
  const failedUpgrades = counter(METRICS.failedUpgrades);
  const dials = counter(METRICS.tunnelDials);
  const syncs = counter(METRICS.channelSyncs);
  // From the beginning, so that the first of them is an increase.
  for (const result of DIAL_RESULTS) dials.inc({ result }, 0);
  for (const result of SYNC_RESULTS) syncs.inc({ result }, 0);
  for (const protocol of CHALLENGED) decisions.inc({ decision: "refused", reason: "CHALLENGE_FAILED", protocol }, 0);
  gauge(METRICS.build, (one) => one.set({ version, node: process.version }, 1));

  function watch(gauges: Gauges): void {
    const records = (row: MetricRow, label: string, look: () => Readonly<Record<string, number | undefined>>): void =>
      gauge(row, (one) => {
        for (const [value, number] of Object.entries(look()))
          if (number !== undefined) one.set({ [label]: value }, number);
      });
    gauge(METRICS.ready, (one) => one.set(Number(gauges.isReady())));
    gauge(METRICS.leader, (one) => one.set(Number(gauges.isLeader())));
    gauge(METRICS.sessions, (one) => one.set(gauges.sessions()));
    gauge(METRICS.inventories, (one) => one.set(gauges.inventories()));
    gauge(METRICS.machines, (one) => {
      for (const { approval, phase, count } of gauges.machines()) one.set({ approval, phase }, count);
    });
    gauge(METRICS.registrations, (one) => one.set(gauges.registrations()));
    records(METRICS.rollouts, "state", () => gauges.rollouts().states);
    records(METRICS.rolloutMachines, "standing", () => gauges.rollouts().machines);
    records(METRICS.queueDepth, "queue", () => mapped(gauges.queues(), ({ depth }) => depth));
    records(METRICS.queueFailing, "queue", () => mapped(gauges.queues(), ({ failing }) => failing));
    records(METRICS.watchAge, "resource", () => mapped(gauges.quietMs(), (ms) => ms / 1_000));
    gauge(METRICS.clockSkew, (one) => one.set(gauges.clockSkewMs() / 1_000));
    gauge(METRICS.tunnel, (one) => {
      const { state } = gauges.tunnel();
      for (const other of TUNNEL_STATES) one.set({ state: other }, Number(other === state));
    });
    gauge(METRICS.tunnelOpened, (one) => one.set((gauges.tunnel().openedAtMs ?? 0) / 1_000));
    records(METRICS.channels, "state", () => gauges.channels().states);
    gauge(METRICS.channelAge, (one) => one.set(gauges.channels().ageMs / 1_000));
    gauge(METRICS.channelOverdue, (one) => one.set(gauges.channels().overdueMs / 1_000));
    records(METRICS.versions, "state", () => gauges.versions());
    records(METRICS.certificates, "certificate", () => mapped(gauges.certificatesEndMs(), (ms) => ms / 1_000));
  }

  return {
    watch,
    countDecision({ decision, reason, protocol }, durationMs) {
      decisions.inc({ decision, reason, protocol });
      if (durationMs !== undefined) visits.observe({ decision, protocol }, durationMs / 1_000);
    },
    countEvent: (result) => events.inc({ result }),
    countApiCall({ verb, resource, outcome, durationMs }) {
      apiRequests.inc({ verb, resource, outcome });
      apiDuration.observe({ verb }, durationMs / 1_000);
    },
    countSlot: () => slots.inc(),
    countFailedUpgrade: () => failedUpgrades.inc(),
    countTunnelDial: (result) => dials.inc({ result }),
    countChannelSync: (result) => syncs.inc({ result }),
    observeRequest(step, status, durationMs) {
      requests.observe({ step, code: `${Math.floor(status / 100)}xx` }, durationMs / 1_000);
    },
    async page() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function mapped<Value>(
  record: Readonly<Record<string, Value>>,
  convert: (value: Value) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));
}
