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

/** @throws NodeApiError as send, NODE_API_NONSENSE for what is no list */
export async function listAll<T>(client: KubernetesClient, request: ListRequest<T>): Promise<readonly T[]> {
  for (let beginnings = 1; ; beginnings++) {
    try {
      const items: T[] = [];
      for await (const page of listPages(client, request)) items.push(...page);
      return items;
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
  const { path, query, accept, timeoutMs, signal, parseItem } = request;
  let next: string | undefined = "";
  for (let items = 0; next !== undefined;) {
    const answer = await client.send({
      method: "GET",
      path,
      signal,
      query: { ...query, limit: String(PAGE_ITEMS), ...(next === "" ? {} : { continue: next }) },
      ...(accept === undefined ? {} : { accept }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    const page = readPage(answer, path);
    items += page.items.length;
    if (items > MAX_ITEMS || page.next === next) {
      throw new NodeApiError("NODE_API_NONSENSE", `the list of ${path} has no end`);
    }
    yield page.items.map((item) => parseItem(item));
    ({ next } = page);
  }
}

function readPage(
  answer: unknown,
  path: string,
): { readonly items: readonly unknown[]; readonly next: string | undefined } {
  if (isMap(answer) && isMap(answer["metadata"])) {
    const { continue: next } = answer["metadata"];
    // Go writes an empty list as null.
    const items = answer["items"] ?? [];
    if (Array.isArray(items)) return { items, next: typeof next === "string" && next !== "" ? next : undefined };
  }
  throw new NodeApiError("NODE_API_NONSENSE", `the API server's answer for ${path} is no list`);
}
