/** What probes and scrapers are told, where the settings ask for that. */
import { setTimeout as sleep } from "node:timers/promises";
import { listenForHealth, pacedAnswer, type HealthListener } from "./http/index.ts";
import type { Readiness } from "./operator-readiness.ts";
import type { Settings } from "./settings/index.ts";
import type { Metrics } from "./telemetry/index.ts";

/** How long after it was made a page of metrics is made again. */
const PAGE_INTERVAL_MS = 1_000;
const CLOCK = {
  nowMs: () => performance.now(),
  sleep: async (ms: number) => sleep(ms, undefined, { ref: false }),
};

export async function startHealth(
  { healthListen }: Pick<Settings, "healthListen">,
  readiness: Pick<Readiness, "notReady">,
  metrics: Pick<Metrics, "page">,
  connectionLimit: number,
): Promise<HealthListener | undefined> {
  if (healthListen === undefined) return undefined;
  const page = pacedAnswer(PAGE_INTERVAL_MS, CLOCK, async () => {
    const { contentType, text } = await metrics.page();
    return { contentType, text: Buffer.from(text) };
  });
  return listenForHealth(healthListen, () => readiness.notReady(), page, connectionLimit);
}
