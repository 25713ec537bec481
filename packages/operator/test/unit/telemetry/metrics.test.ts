/** What a scraper reads. */
import { expect, it } from "vitest";
import { METRICS, type MetricRow } from "../../../src/telemetry/metrics-table.ts";
import { createMetrics } from "../../../src/telemetry/io/metrics.ts";

function metricsWith(sessions: number) {
  const metrics = createMetrics("1.2.3");
  metrics.watch({
    isReady: () => true,
    isLeader: () => false,
    sessions: () => sessions,
    inventories: () => 7,
    machines: () => [{ approval: "Approved", phase: "Draining", count: 4 }],
    registrations: () => 2,
    rollouts: () => ({ states: { Halted: 1, Complete: 0 }, machines: { updated: 5, failed: 2 } }),
    queues: () => ({
      inventories: { depth: 3, failing: 1 },
      inventory_statuses: { depth: 0, failing: 0 },
      registrations: { depth: 0, failing: 0 },
      images: { depth: 0, failing: 0 },
    }),
    quietMs: () => ({ machineinventories: 1_500, machineregistrations: 250, managedosimages: 0 }),
    clockSkewMs: () => -90_000,
    tunnel: () => ({ state: "open", openedAtMs: 1_500_000 }),
    channels: () => ({ states: { synced: 2, failed: 1 }, ageMs: 90_000, overdueMs: 4_000 }),
    versions: () => ({ usable: 6, unusable: 1, out_of_sync: 0 }),
    certificatesEndMs: () => ({ serving: 2_000_000 }),
  });
  return metrics;
}

it("shows decisions, durations, gauges and the process, in Prometheus' text format", async () => {
  const metrics = metricsWith(3);
  metrics.countDecision({ decision: "refused", reason: "CHALLENGE_FAILED", protocol: "legacy" }, 300);
  metrics.countDecision({ decision: "refused", reason: "CHALLENGE_FAILED", protocol: "legacy" }, undefined);
  metrics.countEvent("failed");
  metrics.countApiCall({ verb: "patch", resource: "machineinventories", outcome: "conflict", durationMs: 30 });
  metrics.countSlot();
  metrics.observeRequest("plan", 304, 7);
  metrics.countTunnelDial("opened");
  metrics.countChannelSync("failed");
  const { contentType, text } = await metrics.page();
  expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = text.split("\n");
  for (const line of [
    `rancheros_build_info{version="1.2.3",node="${process.version}"} 1`,
    "rancheros_ready 1",
    "rancheros_leader 0",
    'rancheros_decisions_total{decision="refused",reason="CHALLENGE_FAILED",protocol="legacy"} 2',
    'rancheros_visit_duration_seconds_bucket{le="0.25",decision="refused",protocol="legacy"} 0',
    'rancheros_visit_duration_seconds_bucket{le="0.5",decision="refused",protocol="legacy"} 1',
    'rancheros_machine_request_duration_seconds_bucket{le="0.005",step="plan",code="3xx"} 0',
    'rancheros_machine_request_duration_seconds_bucket{le="0.01",step="plan",code="3xx"} 1',
    'rancheros_events_total{result="failed"} 1',
    "rancheros_sessions_in_flight 3",
    "rancheros_inventories 7",
    'rancheros_machines{approval="Approved",phase="Draining"} 4',
    "rancheros_registrations 2",
    'rancheros_rollouts{state="Halted"} 1',
    'rancheros_rollout_machines{standing="failed"} 2',
    "rancheros_slots_granted_total 1",
    "rancheros_upgrades_failed_total 0",
    'rancheros_queue_depth{queue="inventories"} 3',
    'rancheros_queue_failing{queue="inventories"} 1',
    'rancheros_kubernetes_requests_total{verb="patch",resource="machineinventories",outcome="conflict"} 1',
    'rancheros_kubernetes_request_duration_seconds_bucket{le="0.05",verb="patch"} 1',
    'rancheros_watch_age_seconds{resource="machineinventories"} 1.5',
    "rancheros_clock_skew_seconds -90",
    'rancheros_tunnel{state="open"} 1',
    'rancheros_tunnel{state="down"} 0',
    "rancheros_tunnel_opened_timestamp_seconds 1500",
    'rancheros_tunnel_dials_total{result="opened"} 1',
    'rancheros_tunnel_dials_total{result="failed"} 0',
    'rancheros_channels{state="failed"} 1',
    "rancheros_channel_age_seconds 90",
    "rancheros_channel_overdue_seconds 4",
    'rancheros_channel_syncs_total{result="failed"} 1',
    'rancheros_versions{state="usable"} 6',
    'rancheros_certificate_expiry_timestamp_seconds{certificate="serving"} 2000',
  ]) {
    expect(lines).toContain(line);
  }
  expect(text).toContain("process_resident_memory_bytes");
});

it("counts failed challenges from 0 on, so that a first burst of them is an increase", async () => {
  const { text } = await createMetrics("0").page();
  const shown = text.split("\n").filter((line) => line.startsWith("rancheros_decisions_total{"));
  const failed = 'rancheros_decisions_total{decision="refused",reason="CHALLENGE_FAILED",protocol=';
  expect(shown).toEqual(["legacy", "attestation"].map((protocol) => `${failed}"${protocol}"} 0`));
});

it("does not go on showing what is not there any more", async () => {
  let machines = [{ approval: "Pending", phase: "Idle", count: 1 } as const];
  const metrics = createMetrics("0");
  const all = { depth: 0, failing: 0 };
  metrics.watch({
    isReady: () => true,
    isLeader: () => true,
    sessions: () => 0,
    inventories: () => 0,
    machines: () => machines,
    registrations: () => 0,
    rollouts: () => ({ states: {}, machines: {} }),
    queues: () => ({ inventories: all, inventory_statuses: all, registrations: all, images: all }),
    quietMs: () => ({ machineinventories: 0, machineregistrations: 0, managedosimages: 0 }),
    clockSkewMs: () => 0,
    tunnel: () => ({ state: "none", openedAtMs: undefined }),
    channels: () => ({ states: {}, ageMs: 0, overdueMs: 0 }),
    versions: () => ({}),
    certificatesEndMs: () => ({}),
  });
  expect((await metrics.page()).text).toContain('rancheros_machines{approval="Pending",phase="Idle"} 1');
  machines = [];
  expect((await metrics.page()).text).not.toContain("rancheros_machines{");
});

it("keeps two operators in one process apart", async () => {
  const [one, other] = [metricsWith(1), metricsWith(2)];
  one.countEvent("written");
  expect((await other.page()).text).not.toContain('result="written"');
});

it("is named as Prometheus' conventions say: its own prefix, base units, _total for what is counted up", () => {
  const rows = Object.values<MetricRow>(METRICS);
  for (const { name, type, help, labels } of rows) {
    expect(name).toMatch(/^rancheros_[a-z]+(_[a-z]+)*$/);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|count|sum|bucket)$/);
    expect(help).toMatch(/^[A-Z1].*\.$/);
    for (const label of Object.keys(labels)) expect(label).toMatch(/^[a-z]+$/);
  }
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});
