/** The tunnel to Rancher, where the settings ask for one. */
import type { Duplex } from "node:stream";
import type { Kubernetes } from "./controller/index.ts";
import { TUNNEL_SOURCE } from "./registration/index.ts";
import type { Settings } from "./settings/index.ts";
import type { Log, Metrics } from "./telemetry/index.ts";
import { runTunnel, type Tunnel } from "./tunnel/index.ts";

export function startTunnel(
  { namespace, tunnelSecret }: Settings,
  kubernetes: Kubernetes,
  log: Log,
  { metrics, nowMs }: { readonly metrics: Pick<Metrics, "countTunnelDial">; readonly nowMs: () => number },
  accept: (stream: Duplex) => void,
): Tunnel | undefined {
  if (tunnelSecret === undefined) return undefined;
  return runTunnel({
    kubernetes,
    namespace,
    secretName: tunnelSecret,
    accept,
    remoteAddress: TUNNEL_SOURCE,
    log,
    random: Math.random,
    nowMs,
    onDialled: (result) => metrics.countTunnelDial(result),
  });
}
