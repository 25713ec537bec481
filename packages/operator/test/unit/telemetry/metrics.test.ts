/** What a scraper reads. */
import { expect, it } from "vitest";
import { createMetrics } from "../../../src/telemetry/io/metrics.ts";

function metricsWith(sessions: number) {
  return createMetrics({
    sessions: () => sessions,
    inventories: () => 7,
    registrations: () => 2,
    quietMs: () => ({ machineinventories: 1_500, machineregistrations: 250, managedosimages: 0 }),
  });
}

it("shows decisions, durations, gauges and the process, in Prometheus' text format", async () => {
  const metrics = metricsWith(3);
  metrics.countDecision({ decision: "refused", reason: "CHALLENGE_FAILED", protocol: "legacy" }, 300);
  metrics.countDecision({ decision: "refused", reason: "CHALLENGE_FAILED", protocol: "legacy" }, undefined);
  metrics.countEvent("failed");
  const { contentType, text } = await metrics.page();
  expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = text.split("\n");
  for (const line of [
    'rancheros_decisions_total{decision="refused",reason="CHALLENGE_FAILED",protocol="legacy"} 2',
    'rancheros_visit_duration_seconds_bucket{le="0.25",decision="refused",protocol="legacy"} 0',
    'rancheros_visit_duration_seconds_bucket{le="0.5",decision="refused",protocol="legacy"} 1',
    'rancheros_events_total{result="failed"} 1',
    "rancheros_sessions_in_flight 3",
    "rancheros_inventories 7",
    "rancheros_registrations 2",
    'rancheros_watch_age_seconds{resource="machineinventories"} 1.5',
  ]) {
    expect(lines).toContain(line);
  }
  expect(text).toContain("process_resident_memory_bytes");
});

it("keeps two operators in one process apart", async () => {
  const [one, other] = [metricsWith(1), metricsWith(2)];
  one.countEvent("written");
  expect((await other.page()).text).not.toContain('result="written"');
});
