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
  metrics: Pick<Metrics, "countTunnelDial">,
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
    nowMs: Date.now,
    onDialled: (result) => metrics.countTunnelDial(result),
  });
}
