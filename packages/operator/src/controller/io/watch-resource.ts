/** Follows all objects of one resource, through @kubernetes/client-node's list and watch. */
import { ERROR, ListWatch, Watch, type KubernetesListObject, type KubernetesObject } from "@kubernetes/client-node";
import type { Kubernetes } from "./kubernetes.ts";

const PAGE = 500;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

export interface WatchedResource<Kept extends KubernetesObject> {
  /** Path of the collection over all namespaces, or of one namespace. */
  readonly path: string;
  readonly fieldSelector?: string;
  /** What to remember of an object: a cache of whole objects would hold every machine's SMBIOS in memory. */
  readonly keep: (object: unknown) => Kept | undefined;
  readonly onChange: (object: Kept) => void;
  readonly onDelete: (object: Kept) => void;
  /** Called whenever the list has been read whole, and when it cannot be read. */
  readonly onSynced: () => void;
  readonly onTrouble: (error: unknown) => void;
  readonly random: () => number;
  /** How often a kind that does not exist is asked for; as after any other trouble unless given. */
  readonly absentDelayMs?: number;
}

export interface WatchHandle {
  stop(): Promise<void>;
}

function itemsOf(page: unknown): { items: readonly unknown[]; resourceVersion: string; next: string } {
  if (typeof page !== "object" || page === null || !("items" in page) || !Array.isArray(page.items)) {
    throw new TypeError("the API server's list has no items");
  }
  const metadata: unknown = "metadata" in page ? page.metadata : undefined;
  const field = (name: string): string => {
    const value: unknown = typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, name) : undefined;
    return typeof value === "string" ? value : "";
  };
  return { items: page.items, resourceVersion: field("resourceVersion"), next: field("continue") };
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "KUBERNETES_NOT_FOUND";
}

/** A Watch that hands on only what is to be kept, and asks for bookmarks so that a quiet watch does not grow old. */
class KeepingWatch<Kept extends KubernetesObject> extends Watch {
  readonly #keep: (object: unknown) => Kept | undefined;

  constructor(kubernetes: Kubernetes, keep: (object: unknown) => Kept | undefined) {
    super(kubernetes.config);
    this.#keep = keep;
  }

  override async watch(
    path: string,
    queryParams: Record<string, string | number | boolean | undefined>,
    callback: (phase: string, apiObj: unknown, watchObj?: unknown) => void,
    done: (error: unknown) => void,
  ): Promise<AbortController> {
    const asked = { ...queryParams, allowWatchBookmarks: true };
    const handOn = (phase: string, object: unknown, event?: unknown) => {
      if (phase === "ERROR" || phase === "BOOKMARK") return callback(phase, object, event);
      const kept = this.#keep(object);
      return kept === undefined ? undefined : callback(phase, kept, event);
    };
    return super.watch(path, asked, handOn, done);
  }
}

/** Starts following; ends only with stop(). Trouble is reported and tried again, with growing pauses. */
export function watchResource<Kept extends KubernetesObject>(
  kubernetes: Kubernetes,
  resource: WatchedResource<Kept>,
): WatchHandle {
  let failures = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const query = new URLSearchParams({ limit: String(PAGE) });
  if (resource.fieldSelector !== undefined) query.set("fieldSelector", resource.fieldSelector);

  async function list(): Promise<KubernetesListObject<Kept>> {
    const kept: Kept[] = [];
    let next = "";
    for (;;) {
      const continued = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
      const page = itemsOf(
        await kubernetes.send({
          method: "GET",
          path: `${resource.path}?${query.toString()}${continued}`,
          timeoutMs: 60_000,
        }),
      );
      for (const item of page.items) {
        const one = resource.keep(item);
        if (one !== undefined) kept.push(one);
      }
      next = page.next;
      if (next === "") {
        failures = 0;
        // The cache takes the items in right after this promise settles.
        setImmediate(resource.onSynced);
        return { items: kept, metadata: { resourceVersion: page.resourceVersion } };
      }
    }
  }

  const informer = new ListWatch<Kept>(
    resource.path,
    new KeepingWatch(kubernetes, resource.keep),
    list,
    false,
    undefined,
    resource.fieldSelector,
  );
  informer.on("add", resource.onChange);
  informer.on("update", resource.onChange);
  informer.on("delete", resource.onDelete);
  informer.on(ERROR, (error: unknown) => {
    if (stopped) return;
    resource.onTrouble(error);
    const grown = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
    failures += 1;
    const delayMs = (isNotFound(error) ? (resource.absentDelayMs ?? grown) : grown) * (0.5 + resource.random());
    timer = setTimeout(start, delayMs);
  });

  function start(): void {
    if (stopped) return;
    informer.start().catch((error: unknown) => {
      resource.onTrouble(error);
      timer = setTimeout(start, LONGEST_DELAY_MS);
    });
  }
  start();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await informer.stop();
    },
  };
}

/** Path of a collection: of all namespaces, or of one. */
export function collectionPath(groupVersion: string, plural: string, namespace: string | undefined): string {
  return namespace === undefined ? `${groupVersion}/${plural}` : `${groupVersion}/namespaces/${namespace}/${plural}`;
}
