/** Lists, page by page. */
import { NodeApiError } from "./errors.ts";
import { isMap } from "./is-map.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";

export interface ListRequest<T> {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  /** For each page; default DEFAULT_REQUEST_TIMEOUT_MS. */
  readonly timeoutMs?: number;
  /** In one page from the API server's memory, which may be behind but not older than this version; otherwise from etcd. */
  readonly notOlderThan?: string | undefined;
  readonly signal: AbortSignal;
  /** @throws NodeApiError NODE_API_NONSENSE */
  readonly parseItem: (item: unknown) => T;
}

/** As kubectl's chunk size. */
const PAGE_ITEMS = 500;
const MAX_ITEMS = 100_000;
/** The API server forgets where a list was after some minutes; then it begins anew. */
const MAX_BEGINNINGS = 3;
const GONE = 410;

export interface VersionedList<T> {
  readonly items: readonly T[];
  /** For `notOlderThan`; undefined where the API server tells none. */
  readonly version: string | undefined;
}

/** @throws NodeApiError as send, NODE_API_NONSENSE for what is no list */
export async function listAll<T>(client: KubernetesClient, request: ListRequest<T>): Promise<readonly T[]> {
  return (await listVersioned(client, request)).items;
}

/** @throws as listAll */
export async function listVersioned<T>(client: KubernetesClient, request: ListRequest<T>): Promise<VersionedList<T>> {
  for (let beginnings = 1; ; beginnings++) {
    try {
      const items: T[] = [];
      let version: string | undefined;
      for await (const page of versionedPages(client, request)) {
        items.push(...page.items);
        ({ version } = page);
      }
      return { items, version };
    } catch (error) {
      const isForgotten = error instanceof NodeApiError && error.status?.httpStatus === GONE;
      if (!isForgotten || beginnings === MAX_BEGINNINGS) throw error;
    }
  }
}

/** One page after the other, for who may have seen enough before the end. @throws NodeApiError */
export async function* listPages<T>(
  client: KubernetesClient,
  request: ListRequest<T>,
): AsyncGenerator<readonly T[], void, void> {
  for await (const { items } of versionedPages(client, request)) yield items;
}

async function* versionedPages<T>(
  client: KubernetesClient,
  request: ListRequest<T>,
): AsyncGenerator<VersionedList<T>, void, void> {
  const { path, accept, timeoutMs, signal, parseItem, notOlderThan } = request;
  // With a limit, API servers before 1.31 ask etcd whatever the version.
  const extent =
    notOlderThan === undefined
      ? { limit: String(PAGE_ITEMS) }
      : { resourceVersion: notOlderThan, resourceVersionMatch: "NotOlderThan" };
  const query = { ...request.query, ...extent };
  let next: string | undefined = "";
  for (let items = 0; next !== undefined;) {
    const answer = await client.send({
      method: "GET",
      path,
      signal,
      query: { ...query, ...(next === "" ? {} : { continue: next }) },
      ...(accept === undefined ? {} : { accept }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    const page = readPage(answer, path);
    items += page.items.length;
    if (items > MAX_ITEMS || page.next === next) {
      throw new NodeApiError("NODE_API_NONSENSE", `the list of ${path} has no end`);
    }
    yield { items: page.items.map((item) => parseItem(item)), version: page.version };
    ({ next } = page);
  }
}

function readPage(answer: unknown, path: string): VersionedList<unknown> & { readonly next: string | undefined } {
  if (isMap(answer) && isMap(answer["metadata"])) {
    const { continue: next, resourceVersion: version } = answer["metadata"];
    // Go writes an empty list as null.
    const items = answer["items"] ?? [];
    if (Array.isArray(items)) return { items, next: filled(next), version: filled(version) };
  }
  throw new NodeApiError("NODE_API_NONSENSE", `the API server's answer for ${path} is no list`);
}

function filled(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
