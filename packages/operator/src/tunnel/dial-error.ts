/** Why a dial failed, in this domain's codes. */
import { systemCode, unnamedDistrust } from "@rancheros/protocol/errors";
import { TunnelError } from "./errors.ts";

function isAboutTrust(code: string): boolean {
  return /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_)/.test(code);
}

/** @param cause  of the websocket's client */
export function dialError(cause: unknown): TunnelError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = systemCode(cause);
  if (isAboutTrust(code) || unnamedDistrust(cause) !== undefined) {
    return new TunnelError("TUNNEL_UNTRUSTED", `Rancher's certificate is not believed: ${message}`, { cause });
  }
  if (/handshake has timed out/.test(message)) {
    return new TunnelError("TUNNEL_TIMEOUT", "Rancher's tunnel did not open in time", { cause });
  }
  // Such as a wrong Sec-WebSocket-Accept: what answers is no websocket server.
  const isNonsense = code === "" || code.startsWith("WS_ERR") || code.startsWith("HPE_");
  if (isNonsense) {
    return new TunnelError("TUNNEL_FRAME_INVALID", `what answers is no websocket server: ${message}`, { cause });
  }
  return new TunnelError("TUNNEL_UNREACHABLE", `cannot reach Rancher's tunnel: ${message}`, { cause });
}
