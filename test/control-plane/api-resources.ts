/** Which kinds an API server has, and where: what kubectl knows of short names, in two requests. */
import type { ApiClient } from "./api-client.ts";

/** One document for all groups and versions. Source: Kubernetes API concepts, "Aggregated discovery". */
const DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export interface ApiResource {
  /** As kubectl takes it: plural, singular, short names, and plural.group. */
  readonly names: readonly string[];
  /** /api/v1, or /apis/GROUP/VERSION in the version that the server prefers. */
  readonly base: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly string[];
}

interface Discovery {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly singularResource?: string;
        readonly shortNames?: readonly string[];
        readonly scope: "Namespaced" | "Cluster";
        readonly verbs: readonly string[];
      }[];
    }[];
  }[];
}

const known = new WeakMap<ApiClient, readonly ApiResource[]>();

/** As the API server has them now; the core group first. */
export async function readApiResources(client: ApiClient): Promise<readonly ApiResource[]> {
  const documents = await Promise.all(["/api", "/apis"].map((path) => client.get(path, DISCOVERY)));
  const resources = (documents as readonly Discovery[]).flatMap(({ items }) => items.flatMap(ofGroup));
  known.set(client, resources);
  return resources;
}

/** @throws where the API server has no such kind */
export async function findApiResource(client: ApiClient, name: string): Promise<ApiResource> {
  const isIt = ({ names }: ApiResource): boolean => names.includes(name);
  // A CRD may have come since the last look.
  const found = known.get(client)?.find(isIt) ?? (await readApiResources(client)).find(isIt);
  if (found === undefined) throw new Error(`the API server has no kind ${name}`);
  return found;
}

/** Of all objects of a kind in a namespace, or of all where the kind knows none. */
export function collectionPath({ base, plural, isNamespaced }: ApiResource, namespace: string): string {
  return isNamespaced ? `${base}/namespaces/${namespace}/${plural}` : `${base}/${plural}`;
}

function ofGroup({ metadata, versions }: Discovery["items"][number]): readonly ApiResource[] {
  const group = metadata?.name ?? "";
  const seen = new Set<string>();
  return versions.flatMap(({ version, resources = [] }) =>
    resources.flatMap(({ resource, singularResource = "", shortNames = [], scope, verbs }): readonly ApiResource[] => {
      // Versions come in the order of the server's preference.
      if (seen.has(resource)) return [];
      seen.add(resource);
      return [
        {
          names: [resource, singularResource, ...shortNames, ...(group === "" ? [] : [`${resource}.${group}`])],
          base: group === "" ? `/api/${version}` : `/apis/${group}/${version}`,
          plural: resource,
          isNamespaced: scope === "Namespaced",
          verbs,
        },
      ];
    }),
  );
}
