/** From what ended the fetching of a configuration to what a person can act on. */
import { systemCode } from "@rancheros/protocol/errors";

import { distrustOf, isProxyError } from "../http/index.ts";
import { InstallError } from "./errors.ts";

export interface PagePeer {
  /** Without path and query of a page, which may hold secrets. */
  readonly place: string;
  /** Where it has led to, by now. */
  readonly url: URL;
  readonly proxy: URL | undefined;
}

/** @param cause  thrown or emitted by node:http or node:https; what is an InstallError already is given back as it is */
export function pageFailure(cause: unknown, peer: PagePeer): InstallError {
  if (cause instanceof InstallError) return cause;
  const distrust = distrustOf(cause);
  const why = distrust === undefined ? plainReason(cause, peer) : `${whoseCertificate(cause, peer)} (${distrust})`;
  return new InstallError("INSTALL_CONFIG_UNREADABLE", `the configuration at ${peer.place} cannot be fetched: ${why}`, {
    cause,
    ...(distrust === undefined
      ? {}
      : { mend: "Add its CA to those of this system (update-ca-certificates), and check the clock (`date`)." }),
  });
}

function whoseCertificate(cause: unknown, { url, proxy }: PagePeer): string {
  const isProxy = proxy !== undefined && isProxyError(cause);
  return `the certificate of ${isProxy ? `the proxy ${proxy.host}` : url.host} is not trusted`;
}

function plainReason(cause: unknown, { proxy }: PagePeer): string {
  const words = cause instanceof Error ? cause.message : String(cause);
  const code = systemCode(cause);
  if (code === "") return words;
  const status = cause instanceof Error && "statusCode" in cause ? cause.statusCode : undefined;
  // Of several addresses that failed Node says no more than the code.
  const said =
    typeof status === "number" ? `HTTP ${status}` : words.includes(code) ? words : `${words} (${code})`.trim();
  return proxy === undefined ? said : `the proxy ${proxy.host}: ${said}`;
}
