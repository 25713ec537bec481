/** Whose a ClusterRegistrationToken is: by what it says, never only by what some inventory's status says about it. */
import { isObjectName } from "../controller/index.ts";
import type { FoundToken, TokenOwner, TokenReference } from "./cluster-tokens.ts";
import { safeConcatName } from "./safe-concat-name.ts";

/**
 * own: it was made for this very object. earlier: for one of the same namespace and name, as before a restore.
 * unmarked: it does not say, and has the name that the original operator, and builds before the label, gave to it.
 * foreign: for another machine, or for no machine.
 */
export type TokenBond = "own" | "earlier" | "unmarked" | "foreign";

/** Name of a machine's token, in the management cluster's namespace; wrangler's SafeConcatName, as the original has it. */
export function tokenName(managementCluster: string, machineName: string): string {
  return safeConcatName(managementCluster, machineName, "token");
}

export function tokenBond(found: FoundToken, where: TokenReference, owner: TokenOwner): TokenBond {
  const { ownerUid, ownerName } = found;
  if (ownerUid === owner.uid) return "own";
  if (ownerUid !== undefined) return ownerName === `${owner.namespace}/${owner.name}` ? "earlier" : "foreign";
  return where.name === tokenName(where.namespace, owner.name) ? "unmarked" : "foreign";
}

/** The token that a status names; undefined where it names none, or what can be none. */
export function namedToken(status: unknown): TokenReference | undefined {
  if (typeof status !== "object" || status === null) return undefined;
  const namespace: unknown = Reflect.get(status, "clusterRegistrationTokenNamespace");
  const name: unknown = Reflect.get(status, "clusterRegistrationTokenName");
  if (typeof namespace !== "string" || typeof name !== "string") return undefined;
  return isObjectName(namespace) && isObjectName(name) ? { namespace, name } : undefined;
}
