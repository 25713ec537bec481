/** All objects that there are in a cluster, so that what somebody leaves behind is seen whatever its kind. */
import { adminClient } from "../control-plane/admin-client.ts";
import { readApiResources } from "../control-plane/api-resources.ts";
import type { KubectlTarget } from "../control-plane/kubectl.ts";

/** What the API server and the controllers write by themselves, at any time. */
const BY_ITSELF = /^(events|leases|endpointslices|endpoints|apiservices|componentstatuses|flowschemas)$/;
const NEEDED = ["list", "delete"];

interface ObjectList {
  /** Of the list: DeploymentList. */
  readonly kind: string;
  readonly items: readonly { readonly metadata: { readonly name: string; readonly namespace?: string } }[] | null;
}

/** @returns "kind namespace/name" of each, sorted; the namespace of what has none is "<none>" */
export async function clusterContents(target: KubectlTarget): Promise<readonly string[]> {
  const client = await adminClient(target);
  const resources = (await readApiResources(client)).filter(
    ({ plural, verbs }) => !BY_ITSELF.test(plural) && NEEDED.every((verb) => verbs.includes(verb)),
  );
  const lists = await Promise.all(
    resources.map(async ({ base, plural }) => {
      // A CRD may go while we look.
      const { kind = "", items } = ((await client.find(`${base}/${plural}`)) ?? {}) as Partial<ObjectList>;
      return (items ?? []).map(
        ({ metadata: { name, namespace = "<none>" } }) => `${kind.replace(/List$/, "")} ${namespace}/${name}`,
      );
    }),
  );
  return lists.flat().toSorted();
}
