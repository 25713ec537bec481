/** Which host names and addresses the operator's own certificate must cover. */
import { isIP } from "node:net";

/**
 * @param serverUrl        the address that machines use, where it is known
 * @param namespace        of the operator, for the names of its Service
 * @param extra            --tls-san
 * @param ownAddresses     addresses of this host's interfaces
 */
export function servingNames(
  serverUrl: string | undefined,
  namespace: string,
  extra: readonly string[],
  ownAddresses: readonly string[],
): readonly string[] {
  const host = serverUrl === undefined ? [] : [new URL(serverUrl).hostname.replace(/^\[|\]$/g, "")];
  const service = ["", ".svc", ".svc.cluster.local"].map((end) => `rancheros-operator.${namespace}${end}`);
  const names = [...host, ...extra, "localhost", ...service, ...ownAddresses];
  return [...new Set(names.filter((name) => isIP(name) !== 0 || /^[A-Za-z0-9*.-]+$/.test(name)))];
}
