/** All objects that there are in a cluster, so that what somebody leaves behind is seen whatever its kind. */
import { kubectl, type KubectlTarget } from "../control-plane/kubectl.ts";

/** What the API server and the controllers write by themselves, at any time. */
const BY_ITSELF = /^(events|leases|endpointslices|endpoints|apiservices|componentstatuses|flowschemas)\b/;

/** @returns "kind namespace/name" of each, sorted */
export async function clusterContents(target: KubectlTarget): Promise<readonly string[]> {
  const kinds = (await kubectl(target, ["api-resources", "--verbs=list,delete", "--output=name"]))
    .split("\n")
    .filter((kind) => kind !== "" && !BY_ITSELF.test(kind));
  const columns = "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name";
  const lines = await kubectl(target, [
    "get",
    kinds.join(","),
    "-A",
    "--no-headers",
    "--ignore-not-found",
    "-o",
    columns,
  ]);
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^(\S+)\s+(\S+)\s+(\S+)\s*$/, "$1 $2/$3"))
    .toSorted();
}
