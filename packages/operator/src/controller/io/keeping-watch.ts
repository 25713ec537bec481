/** A watch through @kubernetes/client-node's ListWatch, by requests and bounds of our own. */
import { Watch, type KubernetesObject } from "@kubernetes/client-node";
import { isCodedError, systemCode } from "@rancheros/protocol/errors";
import { KubernetesError } from "../errors.ts";
import { refusal } from "../kubernetes-status.ts";
import { namedObject } from "../named-object.ts";
import { readLines } from "../read-lines.ts";
import type { Kubernetes } from "./kubernetes.ts";

/** A watch on which nothing came for so long is begun anew: its connection may be dead. */
const WATCH_IDLE_MS = 30_000;
/** Far more than the 1.5 MB that etcd takes. */
const EVENT_LIMIT_BYTES = 16 * 1024 * 1024;

/** What ListWatch must see to begin the watch anew at once, or with a new list; other errors it hands on. */
function forListWatch(error: unknown): unknown {
  if (isCodedError(error)) return error.details["httpStatus"] === 410 ? { statusCode: 410 } : error;
  if (systemCode(error) === "UND_ERR_BODY_TIMEOUT") return new DOMException("nothing came", "TimeoutError");
  if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) {
    return new KubernetesError("KUBERNETES_NONSENSE", "the watch sent something other than events", { cause: error });
  }
  return new KubernetesError("KUBERNETES_UNREACHABLE", "the watch broke off", { cause: error });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function eventOf(line: string): { readonly phase: string; readonly object: unknown } {
  const event: unknown = JSON.parse(line);
  const isEvent = isObject(event) && "type" in event && "object" in event;
  if (!isEvent || (event.type !== "ERROR" && !isObject(event.object))) {
    throw new TypeError("the API server's watch sent something other than an event");
  }
  return { phase: String(event.type), object: event.object };
}

/** @param object  a Status, as the API server sends it in place of an object of this kind */
function errorIn(object: unknown): KubernetesError {
  const code = isObject(object) && "code" in object ? object.code : undefined;
  if (typeof code === "number") return refusal(code, object, undefined);
  return new KubernetesError("KUBERNETES_NONSENSE", "the watch sent an error that does not say what is wrong");
}

export interface WatchTold {
  /** The API server has taken the watch. */
  readonly onHeard: () => void;
  readonly onEvent: () => void;
  /** An event that says that something is wrong with the watch; all is read anew before the next one. */
  readonly onErrorEvent: () => void;
  /** It has ended, and not because nothing came. */
  readonly onBroken: () => void;
  /** See HistoryCheck. */
  readonly assertAhead: (resourceVersion: string) => Promise<void>;
}

/**
 * A Watch that hands on only what is to be kept, and asks for bookmarks so that a quiet watch does not grow old. The
 * library's own reads through four layers of streams, makes a connection pool for each watch, and passes over an event
 * that it cannot read.
 */
export class KeepingWatch<Kept extends KubernetesObject> extends Watch {
  readonly #kubernetes: Kubernetes;
  readonly #keep: (object: unknown) => Kept | undefined;
  readonly #told: WatchTold;
  /** Whether it is uncertain what was missed, so that nothing can go on from where it was. */
  #isListDue = false;

  constructor(kubernetes: Kubernetes, keep: (object: unknown) => Kept | undefined, told: WatchTold) {
    super(kubernetes.config);
    this.#kubernetes = kubernetes;
    this.#keep = keep;
    this.#told = told;
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
    if (this.#isListDue) {
      this.#isListDue = false;
      // ListWatch takes what is returned here first.
      setImmediate(done, { statusCode: 410 });
      return Promise.resolve(end);
    }
    const from = query.get("resourceVersion") ?? "";
    void this.#tellEnd(this.#follow(`${path}?${query.toString()}`, from, end.signal, callback), done);
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
    if (!(ending instanceof DOMException)) this.#told.onBroken();
    done(ending);
  }

  async #follow(
    path: string,
    from: string,
    signal: AbortSignal,
    callback: (phase: string, apiObj: unknown) => void,
  ): Promise<void> {
    await this.#told.assertAhead(from);
    const bytes = await this.#kubernetes.open(path, signal, WATCH_IDLE_MS);
    this.#told.onHeard();
    for await (const line of readLines(bytes, EVENT_LIMIT_BYTES)) {
      const { phase, object } = eventOf(line);
      if (phase === "ERROR") {
        this.#told.onErrorEvent();
        const error = errorIn(object);
        // Of one that is too old ListWatch knows itself what to do.
        this.#isListDue = error.details["httpStatus"] !== 410;
        throw error;
      }
      this.#told.onEvent();
      const kept = phase === "BOOKMARK" ? object : this.#keep(object);
      // An object that is not to be kept any more is as good as gone.
      if (kept === undefined) callback("DELETED", namedObject(object));
      else callback(phase, kept);
    }
  }
}
