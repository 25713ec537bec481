/** All objects that there are in a cluster, so that what somebody leaves behind is seen whatever its kind. */
import { adminClient } from "../control-plane/admin-client.ts";
import { listNames, readApiResources } from "../control-plane/api-resources.ts";
import type { KubectlTarget } from "../control-plane/kubectl.ts";

/** What the API server and the controllers write by themselves, at any time. */
const BY_ITSELF = /^(events|leases|endpointslices|endpoints|apiservices|componentstatuses|flowschemas)$/;
const NEEDED = ["list", "delete"];

/** @returns "kind namespace/name" of each, sorted; the namespace of what has none is "<none>" */
export async function clusterContents(target: KubectlTarget): Promise<readonly string[]> {
  const client = await adminClient(target);
  const resources = (await readApiResources(client)).filter(
    ({ plural, verbs }) => !BY_ITSELF.test(plural) && NEEDED.every((verb) => verbs.includes(verb)),
  );
  const lists = await Promise.all(
    resources.map(async ({ base, plural, kind }) =>
      (await listNames(client, `${base}/${plural}`)).map(
        ({ metadata: { name, namespace = "<none>" } }) => `${kind} ${namespace}/${name}`,
      ),
    ),
  );
  return lists.flat().toSorted();
}
