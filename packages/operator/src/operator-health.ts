/** What probes and scrapers are told, where the settings ask for that. */
import { listenForHealth, type HealthListener } from "./http/index.ts";
import type { Readiness } from "./operator-readiness.ts";
import type { Settings } from "./settings/index.ts";
import type { Metrics } from "./telemetry/index.ts";

export async function startHealth(
  { healthListen }: Pick<Settings, "healthListen">,
  readiness: Pick<Readiness, "notReady">,
  metrics: Pick<Metrics, "page">,
  connectionLimit: number,
): Promise<HealthListener | undefined> {
  if (healthListen === undefined) return undefined;
  return listenForHealth(
    healthListen,
    () => readiness.notReady(),
    () => metrics.page(),
    connectionLimit,
  );
}
