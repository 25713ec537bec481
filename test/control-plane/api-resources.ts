/** Which kinds an API server has, and where: what kubectl knows of short names, in two requests. */
import { ApiRefusal, type ApiClient } from "./api-client.ts";

/** One document for all groups and versions. Source: Kubernetes API concepts, "Aggregated discovery". */
const DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export interface ApiResource {
  /** As kubectl takes it: plural, singular, short names, plural.group, and the kind itself. */
  readonly names: readonly string[];
  /** /api/v1, or /apis/GROUP/VERSION in the version that the server prefers. */
  readonly base: string;
  readonly plural: string;
  /** As objects have it. */
  readonly kind: string;
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
        readonly responseKind?: { readonly kind: string };
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

/** The same by what an object says of itself. @returns undefined where the API server has no such kind */
export async function findApiResourceOf(
  client: ApiClient,
  apiVersion: string,
  kind: string,
): Promise<ApiResource | undefined> {
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const isIt = (one: ApiResource): boolean => one.base === base && one.kind === kind;
  return known.get(client)?.find(isIt) ?? (await readApiResources(client)).find(isIt);
}

/** Of all objects of a kind in a namespace, or of all where the kind knows none. */
export function collectionPath({ base, plural, isNamespaced }: ApiResource, namespace: string): string {
  return isNamespaced ? `${base}/namespaces/${namespace}/${plural}` : `${base}/${plural}`;
}

const METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

export interface ListedObject {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Names of all objects below the path of a collection; none where the kind went away since it was looked up. */
export async function listNames(client: ApiClient, path: string): Promise<readonly ListedObject[]> {
  try {
    // The API server writes null for an empty list of some kinds.
    return ((await client.get(path, METADATA)) as { readonly items: readonly ListedObject[] | null }).items ?? [];
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 404) return [];
    throw error;
  }
}

function ofGroup({ metadata, versions }: Discovery["items"][number]): readonly ApiResource[] {
  const group = metadata?.name ?? "";
  const seen = new Set<string>();
  return versions.flatMap(({ version, resources = [] }) =>
    resources.flatMap(
      ({ resource, singularResource = "", responseKind, shortNames = [], scope, verbs }): readonly ApiResource[] => {
        // Versions come in the order of the server's preference.
        if (seen.has(resource)) return [];
        seen.add(resource);
        const kind = responseKind?.kind ?? "";
        const full = group === "" ? [] : [`${resource}.${group}`];
        return [
          {
            names: [resource, singularResource, ...shortNames, ...full, kind],
            base: group === "" ? `/api/${version}` : `/apis/${group}/${version}`,
            plural: resource,
            kind,
            isNamespaced: scope === "Namespaced",
            verbs,
          },
        ];
      },
    ),
  );
}
