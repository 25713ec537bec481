/**
 * An API server with one node and its pods, in virtual time, for what the real one does not do on demand: answers that get
 * lost, hours of absence, budgets that open at a given moment.
 * Does not imitate: authentication, admission, PodDisruptionBudgets themselves (a pod says how often it is held), pages of
 * lists, dry runs, finalizers, and a kubelet (a pod says how long it takes to end).
 */
import {
  DEFAULT_REQUEST_TIMEOUT_MS,
  isMap,
  type ApiRequest,
  type KubernetesClient,
} from "../../../src/kubernetes/index.ts";
import { NodeApiError } from "../../../src/kubernetes/errors.ts";
import { START_MS, type VirtualTime } from "./virtual-time.ts";

export interface FakePod {
  readonly name: string;
  readonly uid: string;
  /** From its deletion to its end; Infinity for one that is stuck. */
  readonly endsAfterMs: number;
  /** How many evictions a PodDisruptionBudget holds. */
  readonly heldTimes?: number;
  /** Number of the eviction, from 1, that is done but whose answer is lost. */
  readonly lostAnswer?: number;
  /** How many removals etcd fails at, as while it changes its leader. */
  readonly failedTimes?: number;
  /** The eviction is refused for good. */
  readonly refusedForGood?: boolean;
  /** When it goes by itself, and another one of its name comes: on this node, or elsewhere. */
  readonly replacedAtMs?: number;
  readonly replacedHere?: boolean;
  readonly finished?: boolean;
  /** What a webhook answers to each removal of it. */
  readonly refusedWith?: 403 | 409 | undefined;
  /** When it was deleted before the drain began, by the drain's clock. */
  readonly deletedAtMs?: number;
}

interface State {
  readonly pod: FakePod;
  attempts: number;
  deletedAtMs: number | undefined;
}

export const NODE = "n1";
const LATENCY_MS = 20;
const REMOVING: ReadonlySet<string> = new Set(["POST", "DELETE"]);

export class FakeCluster implements KubernetesClient {
  readonly host = "fake";
  readonly kubeconfigPath = "/fake";
  readonly identity = { kind: "other", userName: undefined } as const;
  /** UIDs, for each eviction or deletion that was carried out. */
  readonly removed: string[] = [];
  /** Names under which an eviction met a pod that nobody meant. */
  readonly requests: ApiRequest[] = [];
  mostAtOneTime = 0;
  unschedulable = false;
  evictionSupport = true;
  /** How long each answer to an eviction or a deletion takes. */
  removalMs = LATENCY_MS;
  /** So many requests that are no evictions are answered by 429 and a time at which to come again. */
  busyTimes = 0;
  /** How far its clock, which dates deletions, is ahead of the node's. */
  clockAheadMs = 0;
  /** The next cordon is done, and its answer gets lost. */
  losesCordon = false;
  /** The first cordon is done, and what is behind it asks to come again. */
  asksAgainForCordon = false;
  /** Somebody else cordons the node in the moment before our own request comes. */
  othersAreFaster = false;
  /** Numbers of the looks at the node's pods, from 1, that are answered by 500, as an etcd that changes its leader does. */
  failedLooks: readonly number[] = [];
  /** How far its watch cache is behind, of which a look may ask that it is not older than an earlier one. */
  cacheBehindMs = 0;
  /** So many of those are refused: another API server is asked, whose cache is behind that. */
  tooLargeTimes = 0;
  /** Whom the API server remembers for a cordon. */
  cordonedBy = "ros-agent";
  #atOneTime = 0;
  #looks = 0;
  readonly #time: VirtualTime;
  readonly #states: State[];
  readonly #away: readonly (readonly [fromMs: number, toMs: number])[];

  constructor(
    time: VirtualTime,
    pods: readonly FakePod[],
    away: readonly (readonly [fromMs: number, toMs: number])[] = [],
  ) {
    this.#time = time;
    this.#states = pods.map((pod) => ({ pod, attempts: 0, deletedAtMs: pod.deletedAtMs }));
    this.#away = away;
  }

  /** UIDs of the pods that were there at the beginning and still are. */
  get left(): readonly string[] {
    return this.#states.filter((state) => this.#isHere(state)).map(({ pod }) => pod.uid);
  }

  async send(request: ApiRequest): Promise<unknown> {
    this.requests.push(request);
    this.#atOneTime++;
    this.mostAtOneTime = Math.max(this.mostAtOneTime, this.#atOneTime);
    try {
      const latencyMs = REMOVING.has(request.method) ? this.removalMs : LATENCY_MS;
      const limitMs = request.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
      await this.#time.sleep(Math.min(latencyMs, limitMs), request.signal).catch(() => {
        throw new NodeApiError("NODE_API_INTERRUPTED", "broken off");
      });
      if (latencyMs > limitMs) throw new NodeApiError("NODE_API_TIMED_OUT", "did not answer in time");
      const nowMs = this.#time.nowMs();
      if (this.#away.some(([fromMs, toMs]) => nowMs >= fromMs && nowMs < toMs)) {
        throw new NodeApiError("NODE_API_UNREACHABLE", "nobody there");
      }
      const isRemoval = request.method === "POST" || request.method === "DELETE";
      if (!isRemoval && this.busyTimes-- > 0)
        throw new NodeApiError("NODE_API_BUSY", "too many requests", { retry: { afterMs: 1_000 } });
      return this.#answer(request);
    } finally {
      this.#atOneTime--;
    }
  }

  serverMs(): number {
    return this.#time.wallMs() + this.clockAheadMs;
  }

  close(): void {
    // Nothing is open.
  }

  #answer(request: ApiRequest): unknown {
    const { method, path } = request;
    if (path === `/api/v1/nodes/${NODE}`) {
      if (method === "PATCH") {
        // Whoever sends it again sends the version of before.
        if (this.unschedulable || this.othersAreFaster) {
          this.unschedulable = true;
          throw refusal("NODE_API_CONFLICT", 409, "the object has been modified");
        }
        this.unschedulable = true;
        if (this.asksAgainForCordon) {
          throw new NodeApiError("NODE_API_BUSY", "no answer from the server behind", { retry: { afterMs: 1_000 } });
        }
        if (this.losesCordon) throw new NodeApiError("NODE_API_UNREACHABLE", "broke the connection");
      }
      const managedFields = [{ manager: this.cordonedBy, fieldsV1: { "f:spec": { "f:unschedulable": {} } } }];
      const metadata = { name: NODE, resourceVersion: "1", managedFields };
      return { metadata, spec: { unschedulable: this.unschedulable } };
    }
    if (path === "/api/v1") {
      const eviction = { name: "pods/eviction", kind: "Eviction", group: "policy", version: "v1" };
      return { resources: this.evictionSupport ? [eviction] : [] };
    }
    if (path === "/api/v1/pods") return this.#list(request);
    const [, name = "", subresource] = /^\/api\/v1\/namespaces\/ns\/pods\/([^/]+)(\/eviction)?$/.exec(path) ?? [];
    return this.#remove(name, request, subresource === undefined ? "deletion" : "eviction");
  }

  /** A version is the time of its answer. */
  #list({ accept, query = {} }: ApiRequest): unknown {
    const isLook = accept?.includes("PartialObjectMetadataList") === true;
    if (isLook && this.failedLooks.includes(++this.#looks)) {
      throw refusal("NODE_API_FAILED", 500, "etcdserver: leader changed");
    }
    const nowMs = this.#time.nowMs();
    const { resourceVersion, resourceVersionMatch, limit } = query;
    if (resourceVersion === undefined) return { metadata: { resourceVersion: `${nowMs}` }, items: this.#items(nowMs) };
    if (resourceVersionMatch !== "NotOlderThan" || limit !== undefined) {
      throw refusal("NODE_API_REFUSED", 400, "not from the watch cache");
    }
    if (this.tooLargeTimes-- > 0) throw tooLarge();
    const asOfMs = Math.max(Number(resourceVersion), nowMs - this.cacheBehindMs);
    return { metadata: { resourceVersion: `${asOfMs}` }, items: this.#items(asOfMs) };
  }

  #items(asOfMs: number): readonly unknown[] {
    return this.#states.flatMap((state) => {
      const { pod, deletedAtMs } = state;
      const items: unknown[] = [];
      const isDeleted = deletedAtMs !== undefined && deletedAtMs <= asOfMs;
      const deletionMs = isDeleted ? START_MS + deletedAtMs + this.clockAheadMs : undefined;
      if (this.#isHere(state, asOfMs)) items.push(podObject(pod, pod.uid, deletionMs));
      if (this.#isReplaced(pod, asOfMs) && pod.replacedHere === true)
        items.push(podObject(pod, `${pod.uid}-new`, undefined));
      return items;
    });
  }

  #remove(name: string, { body }: ApiRequest, how: "eviction" | "deletion"): unknown {
    const state = this.#states.find(({ pod }) => pod.name === name);
    if (state === undefined || (!this.#isHere(state) && !this.#isReplaced(state.pod))) {
      throw refusal("NODE_API_NOT_FOUND", 404, `pods "${name}" not found`);
    }
    const uid = this.#isReplaced(state.pod) ? `${state.pod.uid}-new` : state.pod.uid;
    if (preconditionOf(body) !== uid) {
      const message = `Operation cannot be fulfilled on Pod "${name}": the UID in the precondition does not match`;
      throw refusal("NODE_API_CONFLICT", 409, message);
    }
    const { pod } = state;
    state.attempts++;
    const refused = refusalOf(state);
    if (refused !== undefined) throw refused;
    const isHeld = how === "eviction" && state.attempts <= (pod.heldTimes ?? 0);
    if (isHeld && state.deletedAtMs === undefined) throw held();
    state.deletedAtMs ??= this.#time.nowMs();
    this.removed.push(uid);
    if (pod.lostAnswer === state.attempts) throw new NodeApiError("NODE_API_UNREACHABLE", "broke the connection");
    return {};
  }

  #isReplaced({ replacedAtMs }: FakePod, asOfMs = this.#time.nowMs()): boolean {
    return replacedAtMs !== undefined && asOfMs >= replacedAtMs;
  }

  #isHere({ pod, deletedAtMs }: State, asOfMs = this.#time.nowMs()): boolean {
    if (this.#isReplaced(pod, asOfMs)) return false;
    return deletedAtMs === undefined || asOfMs < deletedAtMs + pod.endsAfterMs;
  }
}

function preconditionOf(body: unknown): unknown {
  const options = isMap(body) ? (body["deleteOptions"] ?? body) : undefined;
  const preconditions = isMap(options) ? options["preconditions"] : undefined;
  return isMap(preconditions) ? preconditions["uid"] : undefined;
}

function podObject({ name, finished }: FakePod, uid: string, deletionMs: number | undefined): unknown {
  const controller = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", controller: true };
  const deletion = deletionMs === undefined ? {} : { deletionTimestamp: new Date(deletionMs).toISOString() };
  return {
    metadata: { namespace: "ns", name, uid, ownerReferences: [controller], ...deletion },
    spec: {},
    status: { phase: finished === true ? "Succeeded" : "Running" },
  };
}

function refusalOf({ pod, attempts }: State): NodeApiError | undefined {
  if (pod.refusedWith === 403) return refusal("NODE_API_FORBIDDEN", 403, "the webhook says no");
  if (pod.refusedWith === 409) return refusal("NODE_API_CONFLICT", 409, "the webhook says not now");
  if (attempts <= (pod.failedTimes ?? 0)) return refusal("NODE_API_FAILED", 500, "etcdserver: leader changed");
  return pod.refusedForGood === true ? refusal("NODE_API_FAILED", 500, "more than one PodDisruptionBudget") : undefined;
}

function refusal(code: NodeApiError["code"], httpStatus: number, message: string): NodeApiError {
  return new NodeApiError(code, message, { status: { httpStatus, reason: "", message, causes: [] } });
}

/** Source: k8s.io/apiserver, storage NewTooLargeResourceVersionError */
function tooLarge(): NodeApiError {
  const message = "Timeout: Too large resource version: 9, current: 8";
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return new NodeApiError("NODE_API_BUSY", message, {
    retry: { afterMs: 1_000 },
    status: { httpStatus: 504, reason: "Timeout", message, causes },
  });
}

function held(): NodeApiError {
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  const cause = {
    reason: "DisruptionBudget",
    message: "The disruption budget pdb needs 1 healthy pods and has 1 currently",
  };
  return new NodeApiError("NODE_API_BUSY", message, {
    status: { httpStatus: 429, reason: "TooManyRequests", message, causes: [cause] },
  });
}
