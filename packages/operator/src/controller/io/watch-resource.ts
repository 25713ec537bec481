/** Follows all objects of one resource, through @kubernetes/client-node's list and watch. */
import { ERROR, ListWatch, Watch, type KubernetesListObject, type KubernetesObject } from "@kubernetes/client-node";
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { KubernetesError } from "../errors.ts";
import { createPageSize } from "../page-size.ts";
import { retryAfterMs } from "../retry-after.ts";
import { readLines } from "../read-lines.ts";
import type { Kubernetes } from "./kubernetes.ts";

/** A watch on which nothing came for so long is begun anew: its connection may be dead. */
const WATCH_IDLE_MS = 30_000;
/** Far more than the 1.5 MB that etcd takes. */
const EVENT_LIMIT_BYTES = 16 * 1024 * 1024;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

export interface WatchedResource<Kept extends KubernetesObject> {
  /** Path of the collection over all namespaces, or of one namespace. */
  readonly path: string;
  readonly fieldSelector?: string;
  /** What to remember of an object: a cache of whole objects would hold every machine's SMBIOS in memory. */
  readonly keep: (object: unknown) => Kept | undefined;
  readonly onChange: (object: Kept) => void;
  /** Told of an object that is gone, or that `keep` does not take any more: what was remembered of it is void. */
  readonly onDelete: (object: NamedObject) => void;
  /** Called whenever the list has been read whole, and when it cannot be read. */
  readonly onSynced: () => void;
  readonly onTrouble: (error: unknown) => void;
  readonly random: () => number;
  /** After how long a kind that does not exist is asked for again; as after any other trouble unless given. */
  readonly absentDelayMs?: number | (() => number);
}

/** What names an object; of a cluster-wide one the namespace is empty. */
export interface NamedObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string };
}

export interface WatchHandle {
  /** Milliseconds since the API server was last heard of these objects; at most half a minute while all is well. */
  quietMs(): number;
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

function namedObject(object: unknown): NamedObject {
  const metadata: unknown =
    typeof object === "object" && object !== null && "metadata" in object ? object.metadata : undefined;
  const text = (key: string): string => {
    const value: unknown = typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, key) : undefined;
    return typeof value === "string" ? value : "";
  };
  return {
    metadata: { name: text("name"), namespace: text("namespace"), resourceVersion: text("resourceVersion") },
  };
}

/** @param object  as it came, or as it is kept */
function notTaken(object: unknown, cause: unknown): KubernetesError {
  const { namespace, name } = namedObject(object).metadata;
  const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  const message = `${namespace === "" ? name : `${namespace}/${name}`} could not be taken in: ${why}`;
  return new KubernetesError("KUBERNETES_OBJECT", message, { cause });
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "KUBERNETES_NOT_FOUND";
}

/** What ListWatch must see to begin the watch anew at once, or with a new list; other errors it hands on. */
function forListWatch(error: unknown): unknown {
  if (isCodedError(error)) return error.details["httpStatus"] === 410 ? { statusCode: 410 } : error;
  const isQuiet = error instanceof Error && "code" in error && error.code === "UND_ERR_BODY_TIMEOUT";
  if (isQuiet) return new DOMException(error.message, "TimeoutError");
  if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) {
    return new KubernetesError("KUBERNETES_NONSENSE", "the watch sent something other than events", { cause: error });
  }
  return new KubernetesError("KUBERNETES_UNREACHABLE", "the watch broke off", { cause: error });
}

function eventOf(line: string): { readonly phase: string; readonly object: unknown } {
  const event: unknown = JSON.parse(line);
  if (typeof event !== "object" || event === null || !("type" in event) || !("object" in event)) {
    throw new TypeError("the API server's watch sent something other than an event");
  }
  return { phase: String(event.type), object: event.object };
}

/**
 * A Watch that hands on only what is to be kept, and asks for bookmarks so that a quiet watch does not grow old. The
 * library's own reads through four layers of streams, makes a connection pool for each watch, and passes over an event
 * that it cannot read.
 */
class KeepingWatch<Kept extends KubernetesObject> extends Watch {
  readonly #kubernetes: Kubernetes;
  readonly #keep: (object: unknown) => Kept | undefined;
  /** Told when the API server has taken the watch. */
  readonly #onHeard: () => void;
  readonly #onEvent: () => void;

  constructor(
    kubernetes: Kubernetes,
    keep: (object: unknown) => Kept | undefined,
    listeners: { readonly onHeard: () => void; readonly onEvent: () => void },
  ) {
    super(kubernetes.config);
    this.#kubernetes = kubernetes;
    this.#keep = keep;
    this.#onHeard = listeners.onHeard;
    this.#onEvent = listeners.onEvent;
  }

  override watch(
    path: string,
    queryParams: Record<string, string | number | boolean | undefined>,
    callback: (phase: string, apiObj: unknown) => void,
    done: (error: unknown) => void,
  ): Promise<AbortController> {
    const query = new URLSearchParams({ watch: "true", allowWatchBookmarks: "true" });
    for (const [key, value] of Object.entries(queryParams)) if (value !== undefined) query.set(key, String(value));
    const end = new AbortController();
    void this.#tellEnd(this.#follow(`${path}?${query.toString()}`, end.signal, callback), done);
    return Promise.resolve(end);
  }

  /** ListWatch takes null for an ending that needs no explanation. */
  async #tellEnd(following: Promise<void>, done: (error: unknown) => void): Promise<void> {
    let ending: unknown = null;
    try {
      await following;
    } catch (error) {
      ending = forListWatch(error);
    }
    done(ending);
  }

  async #follow(path: string, signal: AbortSignal, callback: (phase: string, apiObj: unknown) => void): Promise<void> {
    const bytes = await this.#kubernetes.open(path, signal, WATCH_IDLE_MS);
    this.#onHeard();
    for await (const line of readLines(bytes, EVENT_LIMIT_BYTES)) {
      const { phase, object } = eventOf(line);
      if (phase === "ERROR") {
        callback(phase, object);
        continue;
      }
      this.#onEvent();
      const kept = phase === "BOOKMARK" ? object : this.#keep(object);
      // An object that is not to be kept any more is as good as gone.
      if (kept === undefined) callback("DELETED", namedObject(object));
      else callback(phase, kept);
    }
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
  let heardMs = performance.now();
  const onHeard = (): void => {
    heardMs = performance.now();
  };

  /** What goes wrong with one object keeps nobody from hearing of the others. */
  function orTrouble<Seen, Result>(take: (object: Seen) => Result): (object: Seen) => Result | undefined {
    return (object) => {
      try {
        return take(object);
      } catch (error) {
        resource.onTrouble(notTaken(object, error));
        return undefined;
      }
    };
  }
  const keep = orTrouble(resource.keep);

  const pages = createPageSize();

  async function readPage(next: string): Promise<ReturnType<typeof itemsOf>> {
    const query = new URLSearchParams({ limit: String(pages.size) });
    if (resource.fieldSelector !== undefined) query.set("fieldSelector", resource.fieldSelector);
    if (next !== "") query.set("continue", next);
    const beganMs = performance.now();
    try {
      const path = `${resource.path}?${query.toString()}`;
      const page = itemsOf(await kubernetes.send({ method: "GET", path, timeoutMs: 60_000 }));
      pages.read(performance.now() - beganMs);
      onHeard();
      return page;
    } catch (error) {
      if (isCodedError(error) && error.details["httpStatus"] === 410) pages.expired();
      else if (hasCode(error, "KUBERNETES_TIMEOUT")) pages.read(performance.now() - beganMs);
      else if (hasCode(error, "KUBERNETES_NONSENSE")) pages.unreadable();
      throw error;
    }
  }

  async function list(): Promise<KubernetesListObject<Kept>> {
    const kept: Kept[] = [];
    let next = "";
    for (;;) {
      const page = await readPage(next);
      for (const item of page.items) {
        const one = keep(item);
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
    new KeepingWatch(kubernetes, keep, {
      onHeard,
      onEvent() {
        onHeard();
        failures = 0;
      },
    }),
    list,
    false,
    undefined,
    resource.fieldSelector,
  );
  const onChange = orTrouble(resource.onChange);
  informer.on("add", onChange);
  informer.on("update", onChange);
  informer.on(
    "delete",
    orTrouble((object) => resource.onDelete(namedObject(object))),
  );
  informer.on(ERROR, (error: unknown) => {
    if (stopped) return;
    resource.onTrouble(error);
    const grown = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
    failures += 1;
    const { absentDelayMs = grown } = resource;
    const absentMs = typeof absentDelayMs === "number" ? absentDelayMs : absentDelayMs();
    const delayMs = (isNotFound(error) ? absentMs : grown) * (0.5 + resource.random());
    timer = setTimeout(start, Math.max(delayMs, retryAfterMs(error)));
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
    quietMs: () => performance.now() - heardMs,
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
