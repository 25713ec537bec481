/** The tunnel to Rancher: Rancher passes requests of machines on to this operator through a websocket that the operator opens. */
export { TUNNEL_ERRORS, TunnelError } from "./errors.ts";
export type { TunnelErrorCode } from "./errors.ts";
export { runTunnel } from "./io/run-tunnel.ts";
export type { Tunnel, TunnelStanding } from "./io/run-tunnel.ts";
