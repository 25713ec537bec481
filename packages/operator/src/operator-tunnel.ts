/** The tunnel to Rancher, where the settings ask for one. */
import type { Duplex } from "node:stream";
import type { Kubernetes } from "./controller/index.ts";
import { TUNNEL_SOURCE } from "./registration/index.ts";
import type { Settings } from "./settings/index.ts";
import type { Log } from "./telemetry/index.ts";
import { runTunnel, type Tunnel } from "./tunnel/index.ts";

export function startTunnel(
  { namespace, tunnelSecret }: Settings,
  kubernetes: Kubernetes,
  log: Log,
  accept: (stream: Duplex) => void,
): Tunnel | undefined {
  if (tunnelSecret === undefined) return undefined;
  const common = { kubernetes, namespace, log, accept, random: Math.random };
  return runTunnel({ ...common, secretName: tunnelSecret, remoteAddress: TUNNEL_SOURCE });
}
