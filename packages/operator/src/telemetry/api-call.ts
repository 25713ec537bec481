/** What is counted of a request to the API server: words from closed sets, whatever the path says. */

export const API_VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"] as const;
export type ApiVerb = (typeof API_VERBS)[number];

/** All that the operator asks for by name; anything else is other. */
export const API_RESOURCES = [
  "machineregistrations",
  "machineinventories",
  "managedosimages",
  "managedosversions",
  "managedosversionchannels",
  "pods",
  "secrets",
  "configmaps",
  "events",
  "leases",
  "namespaces",
  "settings",
  "clusters",
  "clustergroups",
  "clusterregistrationtokens",
  "other",
] as const;
export type ApiResource = (typeof API_RESOURCES)[number];

/** How it ended: what a status means for the caller, or why there was none. */
export const API_OUTCOMES = [
  "ok",
  "not_found",
  "conflict",
  "gone",
  "throttled",
  "refused",
  "failed",
  "timeout",
  "unreachable",
] as const;
export type ApiOutcome = (typeof API_OUTCOMES)[number];

export interface ApiCall {
  readonly verb: ApiVerb;
  readonly resource: ApiResource;
  readonly outcome: ApiOutcome;
  /** Until the answer was read; of a watch, until it was taken. */
  readonly durationMs: number;
}

interface ApiTarget {
  readonly resource: ApiResource;
  readonly isNamed: boolean;
}

const RESOURCES: ReadonlyMap<string, ApiResource> = new Map(API_RESOURCES.map((resource) => [resource, resource]));

/** @param path  path and query: /api/v1/..., /apis/GROUP/VERSION/..., with or without namespaces/NAME */
export function apiTarget(path: string): ApiTarget {
  const [, root, ...rest] = (path.split("?", 1)[0] ?? "").split("/");
  const below = rest.slice(root === "apis" ? 2 : 1);
  const [plural = "", name] = below[0] === "namespaces" && below.length > 2 ? below.slice(2) : below;
  return { resource: RESOURCES.get(plural) ?? "other", isNamed: name !== undefined };
}

/** @param method  of HTTP */
export function apiVerb(method: string, isNamed: boolean): ApiVerb {
  if (method === "GET") return isNamed ? "get" : "list";
  if (method === "POST") return "create";
  if (method === "PUT") return "update";
  return method === "PATCH" ? "patch" : "delete";
}

/** @param status  of HTTP */
export function statusOutcome(status: number): ApiOutcome {
  if (status < 400) return "ok";
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  if (status === 410) return "gone";
  if (status === 429) return "throttled";
  return status < 500 ? "refused" : "failed";
}
