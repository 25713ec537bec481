/** Follows all objects of one resource, through @kubernetes/client-node's list and watch. */
import { ERROR, ListWatch, type KubernetesListObject, type KubernetesObject } from "@kubernetes/client-node";
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { KubernetesError } from "../errors.ts";
import { createHistoryCheck } from "../history-check.ts";
import { namedObject, type NamedObject } from "../named-object.ts";
import { createPageSize } from "../page-size.ts";
import { retryAfterMs } from "../retry-after.ts";
import { KeepingWatch } from "./keeping-watch.ts";
import type { Kubernetes } from "./kubernetes.ts";

/** Of an object no more than its name and what is around that. */
const METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
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
  /** The API server was put back to an earlier state, which is read anew: an object's next version may have a lower number. */
  readonly onWentBack?: () => void;
  readonly random: () => number;
  /** After how long a kind that does not exist is asked for again; as after any other trouble unless given. */
  readonly absentDelayMs?: number | (() => number);
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

/** @param object  as it came, or as it is kept */
function notTaken(object: unknown, cause: unknown): KubernetesError {
  const { namespace, name } = namedObject(object).metadata;
  const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  const message = `${namespace === "" ? name : `${namespace}/${name}`} could not be taken in: ${why}`;
  return new KubernetesError("KUBERNETES_OBJECT", message, { cause });
}

/** Starts following; ends only with stop(). Trouble is reported and tried again, with growing pauses. */
export function watchResource<Kept extends KubernetesObject>(
  kubernetes: Kubernetes,
  resource: WatchedResource<Kept>,
): WatchHandle {
  let failures = 0;
  /** That lists succeed says nothing then: the watch behind them fails. */
  let isWatchFailing = false;
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
  const selected = resource.fieldSelector === undefined ? {} : { fieldSelector: resource.fieldSelector };

  const pages = createPageSize();

  async function readPage(next: string): Promise<ReturnType<typeof itemsOf>> {
    const query = new URLSearchParams({ limit: String(pages.size), ...selected });
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

  const history = createHistoryCheck({
    async present() {
      const query = new URLSearchParams({ limit: "1", ...selected });
      const path = `${resource.path}?${query.toString()}`;
      // Of an empty list of this form the items are null.
      return namedObject(await kubernetes.send({ method: "GET", path, accept: METADATA_LIST })).metadata
        .resourceVersion;
    },
    steadyMs: () => performance.now(),
  });

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
        if (!isWatchFailing) failures = 0;
        history.listed();
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
        isWatchFailing = false;
        failures = 0;
      },
      onErrorEvent() {
        isWatchFailing = true;
      },
      onBroken: () => history.broke(),
      async assertAhead(resourceVersion) {
        try {
          await history.assertAhead(resourceVersion);
        } catch (error) {
          if (hasCode(error, "KUBERNETES_WENT_BACK")) {
            resource.onTrouble(error);
            resource.onWentBack?.();
          }
          throw error;
        }
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
    const delayMs = (hasCode(error, "KUBERNETES_NOT_FOUND") ? absentMs : grown) * (0.5 + resource.random());
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
