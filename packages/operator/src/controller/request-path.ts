/** Paths of requests to the API server, which have names in them that people wrote. */
import { KubernetesError } from "./errors.ts";

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_MAX = 253;

/** Whether an object may have this name: an RFC 1123 subdomain. */
export function isObjectName(text: string): boolean {
  return text.length <= NAME_MAX && NAME.test(text);
}

/**
 * @param path  path and query
 * @throws KubernetesError  KUBERNETES_PATH where another path would be asked for, as .. leads to another namespace
 */
export function checkPath(path: string): void {
  const [asked = ""] = path.split("?", 1);
  const url = URL.parse(asked, "http://kubernetes");
  if (url?.host === "kubernetes" && url.pathname === asked && url.hash === "") return;
  throw new KubernetesError("KUBERNETES_PATH", `${JSON.stringify(asked.slice(0, 300))} names no object`);
}
