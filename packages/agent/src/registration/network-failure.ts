/** From what Node says about a broken connection to what a person can act on. */
import { isIP } from "node:net";

import { systemCode, unnamedDistrust } from "@rancheros/protocol/errors";
import { isProxyError } from "../http/index.ts";
import { RegistrationError } from "./errors.ts";

/** Whom a connection was meant for. */
export interface Peer {
  readonly server: URL;
  readonly proxy: URL | undefined;
}

type Reason = "dns" | "refused" | "no-route" | "no-answer" | "reset" | "other";

const REASONS: Readonly<Record<string, Reason>> = {
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EAI_FAIL: "dns",
  EAI_NODATA: "dns",
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "no-route",
  ENETUNREACH: "no-route",
  EHOSTDOWN: "no-route",
  ENETDOWN: "no-route",
  EADDRNOTAVAIL: "no-route",
  ETIMEDOUT: "no-answer",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
};

const SENTENCES: Readonly<Record<Reason, (who: string) => string>> = {
  dns: (who) => `the name ${who} is not known to this machine's name servers`,
  refused: (who) => `nothing listens at ${who}: the connection was refused`,
  "no-route": (who) => `there is no route to ${who}`,
  "no-answer": (who) => `${who} does not answer`,
  reset: (who) => `${who} broke the connection`,
  other: (who) => `the connection to ${who} failed`,
};

type Distrust = "unknown-authority" | "host-name" | "expired" | "not-yet-valid" | "other";

/** OpenSSL's verification results by Node's names for them (node:tls, X509 certificate error codes). */
const DISTRUST: Readonly<Record<string, Distrust>> = {
  UNABLE_TO_GET_ISSUER_CERT: "unknown-authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknown-authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknown-authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknown-authority",
  SELF_SIGNED_CERT_IN_CHAIN: "unknown-authority",
  CERT_SIGNATURE_FAILURE: "unknown-authority",
  ERR_TLS_CERT_ALTNAME_INVALID: "host-name",
  HOSTNAME_MISMATCH: "host-name",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "not-yet-valid",
  CERT_CHAIN_TOO_LONG: "other",
  CERT_REVOKED: "other",
  CERT_UNTRUSTED: "other",
  CERT_REJECTED: "other",
  INVALID_CA: "other",
  INVALID_PURPOSE: "other",
  PATH_LENGTH_EXCEEDED: "other",
};

const DISTRUST_TEXTS: Readonly<Record<Distrust, { readonly sentence: string; readonly mend: string | undefined }>> = {
  "unknown-authority": {
    sentence: "comes from a CA that this machine does not trust",
    mend: undefined,
  },
  "host-name": {
    sentence: "is for another name than the one in the URL",
    mend: "Use the name that stands in the certificate, or have the certificate made for this one.",
  },
  expired: {
    sentence: "has expired",
    mend: "Check this machine's clock (`date`); if it is right, the certificate must be renewed.",
  },
  "not-yet-valid": {
    sentence: "is not valid yet",
    mend: "Set this machine's clock (`date`): it is most likely in the past; if it is right, the operator's log says of its CA what to do.",
  },
  other: { sentence: "is not acceptable", mend: undefined },
};

const MEND_PROXY =
  "Add the CA of the proxy to those of this machine (update-ca-certificates). What --ca-cert gives counts for the proxy too; --ca-sha256 is for the server alone.";

/**
 * @param error  thrown or emitted by node:http, node:https or ws
 * @returns a RegistrationError with the error as its cause; one that is one already as it is
 */
export function networkFailure(error: unknown, peer: Peer): RegistrationError {
  if (error instanceof RegistrationError) return error;
  const code = systemCode(error);
  const message = error instanceof Error ? error.message : "";
  const distrust = distrustOf(error, code);
  if (distrust !== undefined) return untrusted(distrust, code, error, peer);
  if (code === "ERR_PROXY_TUNNEL" || (peer.proxy !== undefined && REASONS[code] !== undefined)) {
    return proxyFailure(error, code, peer.proxy);
  }
  if (code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_") || code === "EPROTO") {
    const details = { tlsError: code, host: peer.server.host };
    return new RegistrationError("REGISTRATION_TLS_FAILED", `${peer.server.host} does not speak TLS as it should`, {
      cause: error,
      details,
    });
  }
  if (isBrokenProtocol(code, message)) {
    const what =
      code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"
        ? "a larger message than the protocol allows"
        : "no proper websocket";
    return new RegistrationError("REGISTRATION_NONSENSE", `the server speaks ${what}`, {
      cause: error,
      ...(code === "" ? {} : { details: { protocolError: code } }),
    });
  }
  const reason = REASONS[code] ?? "other";
  const who = reason === "dns" ? peer.server.hostname : peer.server.host;
  return new RegistrationError("REGISTRATION_UNREACHABLE", SENTENCES[reason](who), {
    cause: error,
    details: { reason, host: peer.server.host },
  });
}

function distrustOf(error: unknown, code: string): Distrust | undefined {
  return unnamedDistrust(error) === undefined ? DISTRUST[code] : "other";
}

/** HTTP parser (HPE_), websocket receiver (WS_ERR_), and ws's checks of the handshake, which carry no code. */
function isBrokenProtocol(code: string, message: string): boolean {
  return (
    code.startsWith("HPE_") || code.startsWith("WS_ERR_") || (code === "" && /^(Invalid|Server sent)/.test(message))
  );
}

function untrusted(distrust: Distrust, code: string, cause: unknown, { proxy }: Peer): RegistrationError {
  const { sentence: what, mend: mendAnyone } = DISTRUST_TEXTS[distrust];
  const ofProxy = isProxyError(cause) ? proxy : undefined;
  const sentence =
    ofProxy === undefined ? `the server's certificate ${what}` : `the certificate of the proxy ${ofProxy.host} ${what}`;
  const mend = ofProxy === undefined ? mendAnyone : (mendAnyone ?? MEND_PROXY);
  const names = distrust === "host-name" ? certificateNames(cause) : "";
  const unnamed = unnamedDistrust(cause);
  const more = names === "" ? "" : `; it ${names}`;
  return new RegistrationError(
    "REGISTRATION_TLS_UNTRUSTED",
    unnamed === undefined ? `${sentence}${more}` : `${sentence}: ${unnamed}`,
    {
      cause,
      details: { reason: distrust, tlsError: code, ...(ofProxy === undefined ? {} : { proxy: ofProxy.host }) },
      ...(mend === undefined ? {} : { mend }),
      // A machine without a battery starts in the past, and gets the time from the network a little later.
      ...(distrust === "not-yet-valid" ? { retry: "backoff" as const } : {}),
    },
  );
}

/** @returns what goes on from "the certificate"; empty where it is not known */
function certificateNames(error: unknown): string {
  const certificate = fieldOf(error, "cert");
  if (certificate === undefined) return "";
  const names = fieldOf(certificate, "subjectaltname");
  if (typeof names === "string") return `is for ${harmless(names)}`;
  const host = fieldOf(error, "host");
  const common = fieldOf(fieldOf(certificate, "subject"), "CN");
  const isAddress = typeof host === "string" && isIP(host) !== 0;
  const rest = isAddress
    ? ", and a common name (CN) does not count for an address"
    : typeof common === "string"
      ? `, only the common name ${harmless(common)}`
      : "";
  return `has no subject alternative name${rest}`;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/** Bounded, because the other side chose it. */
function harmless(text: string): string {
  return text.replaceAll(/[^\w.:*, -]/g, "?").slice(0, 200);
}

function proxyFailure(cause: unknown, code: string, proxy: URL | undefined): RegistrationError {
  const status = cause instanceof Error && "statusCode" in cause ? cause.statusCode : undefined;
  const name = proxy?.host ?? "";
  const details = { proxy: name, ...(typeof status === "number" ? { status } : { reason: REASONS[code] ?? "other" }) };
  const sentence =
    typeof status === "number"
      ? `the proxy ${name} does not let this machine through (HTTP ${status})`
      : SENTENCES[REASONS[code] ?? "reset"](`the proxy ${name}`);
  return new RegistrationError("REGISTRATION_PROXY", sentence, { cause, details });
}
