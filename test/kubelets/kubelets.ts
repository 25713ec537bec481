/**
 * Simulated kubelets and a scheduler on the real API server: nodes that are Ready, pods that run there, become Ready, end
 * after their grace period, and stay where a test says so (BEHAVIOUR in pod-decision.ts).
 *
 * Several of them share a control plane: each has its own prefix of node names and its own namespaces. What they do not
 * do: containers, resources, probes, evictions of their own, leases, and making a mirror pod again that was deleted.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient, ApiRefusal, type ApiClientTarget } from "../control-plane/api-client.ts";
import { follow, type Follower } from "../control-plane/follow.ts";
import { podPath, type Node, type Pod } from "./kubernetes-objects.ts";
import { nodeObject, nodeStatus, type NodeOptions, type NodeSystem } from "./node-object.ts";
import { decidePod, podStatus } from "./pod-decision.ts";
import { chooseNode } from "./scheduler.ts";

const RETRY_MS = 200;
const POLL_MS = 20;
const WAIT_TIMEOUT_MS = 30_000;
const DEFAULT_HEARTBEAT_MS = 10_000;
const DEFAULT_GRACE_SCALE = 0.01;
const DEFAULT_OS_IMAGE = "RancherOS test";

export interface KubeletsTarget extends ApiClientTarget {
  readonly adminToken: string;
}

export interface KubeletsOptions {
  /** Begins the name of each node, and is the value of their label KUBELETS_LABEL. Nobody else's. */
  readonly prefix: string;
  /** Pods of these namespaces that have no node get one of these nodes. */
  readonly namespaces?: readonly string[];
  /** How many seconds a second of a pod's grace period lasts (0.01). */
  readonly graceScale?: number;
  /** How often the nodes post their status (10 s); Infinity for never. */
  readonly heartbeatMs?: number;
}

interface NodeState extends NodeSystem {
  readonly up: boolean;
}

/** Starts them without nodes; resolves when they see the API server's pods. */
export async function startKubelets(target: KubeletsTarget, options: KubeletsOptions): Promise<Kubelets> {
  const kubelets = new Kubelets(target, options);
  await kubelets.watching();
  return kubelets;
}

export class Kubelets {
  readonly prefix: string;
  readonly #client: ApiClient;
  readonly #namespaces: ReadonlySet<string>;
  readonly #graceScale: number;
  readonly #end = new AbortController();
  readonly #states = new Map<string, NodeState>();
  readonly #nodes: Follower<Node>;
  readonly #pods: Follower<Pod>;
  /** What was done last about a pod, by uid: not again until the pod or its node has changed. */
  readonly #done = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<unknown>>();
  readonly #binding = new Map<string, string>();
  readonly #heartbeat: NodeJS.Timeout | undefined;

  constructor(target: KubeletsTarget, options: KubeletsOptions) {
    this.prefix = options.prefix;
    this.#client = new ApiClient(target, target);
    this.#namespaces = new Set(options.namespaces);
    this.#graceScale = options.graceScale ?? DEFAULT_GRACE_SCALE;
    const { signal } = this.#end;
    this.#pods = follow<Pod>(this.#client, "/api/v1/pods", (pod, gone) => this.#onPod(pod, gone), signal);
    this.#nodes = follow<Node>(this.#client, "/api/v1/nodes", () => this.#onNodes(), signal);
    const heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    if (Number.isFinite(heartbeatMs)) this.#heartbeat = setInterval(() => void this.#postStatus(), heartbeatMs);
  }

  async watching(): Promise<void> {
    await Promise.all([this.#pods.ready, this.#nodes.ready]);
  }

  /** Registers a Ready node. @returns its name: the prefix, "-", and the given suffix */
  async addNode(suffix: string, options: NodeOptions = {}): Promise<string> {
    const name = `${this.prefix}-${suffix}`;
    const system = { bootId: options.bootId ?? randomUUID(), osImage: options.osImage ?? DEFAULT_OS_IMAGE };
    this.#states.set(name, { ...system, up: true });
    const status = nodeStatus(name, true, system, new Date().toISOString());
    await this.#client.create("/api/v1/nodes", nodeObject(name, this.prefix, options, status));
    // Admission gives every new node the taint not-ready, and a node lifecycle controller would take it away.
    await this.#client.mergePatch(`/api/v1/nodes/${name}`, { spec: { taints: options.taints ?? null } });
    return name;
  }

  get nodeNames(): readonly string[] {
    return [...this.#states.keys()];
  }

  bootId(node: string): string {
    return this.#state(node).bootId;
  }

  /** The node falls silent: its Ready condition becomes Unknown, its pods are not Ready any more, and none of them ends. */
  async takeDown(node: string): Promise<void> {
    await this.#change(node, { up: false });
  }

  /** The node is back, as it was or with another OS; its pods run again. Without a boot id it has not restarted. */
  async bringUp(node: string, changed: Partial<NodeSystem> = {}): Promise<void> {
    await this.#change(node, { ...changed, up: true });
  }

  /** Down, away for `downMs`, and up again with a new boot id. @returns that boot id */
  async reboot(node: string, options: { readonly downMs?: number; readonly osImage?: string } = {}): Promise<string> {
    await this.takeDown(node);
    await sleep(options.downMs ?? 0);
    const bootId = randomUUID();
    await this.bringUp(node, { bootId, ...(options.osImage === undefined ? {} : { osImage: options.osImage }) });
    return bootId;
  }

  /** What they know: pods on these nodes, and those of their namespaces that have none. */
  pods(): readonly Pod[] {
    return [...this.#pods.objects.values()].filter(
      ({ metadata, spec }) =>
        (spec.nodeName === undefined && this.#namespaces.has(metadata.namespace)) ||
        (spec.nodeName !== undefined && this.#states.has(spec.nodeName)),
    );
  }

  /** Waits until the look is content with `pods()`. @throws with what it saw last */
  async untilPods(what: string, look: (pods: readonly Pod[]) => boolean, timeoutMs = WAIT_TIMEOUT_MS): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!look(this.pods())) {
      if (performance.now() > deadlineMs) {
        const seen = this.pods().map((pod) => `${pod.metadata.name} on ${pod.spec.nodeName}: ${pod.status.phase}`);
        throw new Error(`gave up waiting: ${what}; there are\n${seen.join("\n")}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Ends their work and leaves nodes and pods where they are: for a control plane that ends with them. */
  async abandon(): Promise<void> {
    await this.#endWork();
    await this.#client.close();
  }

  /** Removes the pods of these nodes, finalizers or not, then the nodes. */
  async stop(): Promise<void> {
    const pods = this.pods().filter(({ spec }) => spec.nodeName !== undefined);
    await this.#endWork();
    await Promise.all(pods.map(async (pod) => this.#removePod(pod)));
    await Promise.all(this.nodeNames.map(async (name) => unlessGone(this.#client.delete(`/api/v1/nodes/${name}`))));
    await this.#client.close();
  }

  async #endWork(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#end.abort();
    await Promise.all([this.#pods.ended, this.#nodes.ended, ...this.#underWay.values()]);
  }

  async #removePod(pod: Pod): Promise<void> {
    if (pod.metadata.finalizers !== undefined) {
      await unlessGone(this.#client.mergePatch(podPath(pod), { metadata: { finalizers: null } }));
    }
    const { uid } = pod.metadata;
    await unlessGone(this.#client.delete(podPath(pod), { gracePeriodSeconds: 0, preconditions: { uid } }));
  }

  #state(node: string): NodeState {
    const state = this.#states.get(node);
    if (state === undefined) throw new Error(`${node} is none of the nodes of ${this.prefix}`);
    return state;
  }

  async #change(node: string, change: Partial<NodeState>): Promise<void> {
    const state = { ...this.#state(node), ...change };
    this.#states.set(node, state);
    const status = nodeStatus(node, state.up, state, new Date().toISOString());
    await this.#client.mergePatch(`/api/v1/nodes/${node}/status`, { status });
    for (const pod of this.#pods.objects.values()) if (pod.spec.nodeName === node) this.#consider(pod);
  }

  async #postStatus(): Promise<void> {
    for (const [name, state] of this.#states) {
      if (!state.up || this.#end.signal.aborted) continue;
      const status = nodeStatus(name, true, state, new Date().toISOString());
      // The API server may be away: the next heartbeat tries again.
      await this.#client.mergePatch(`/api/v1/nodes/${name}/status`, { status }).catch(() => undefined);
    }
  }

  #onPod(pod: Pod, gone: boolean): void {
    if (!gone) return this.#consider(pod);
    this.#done.delete(pod.metadata.uid);
  }

  /** An uncordoned node may be what a pod waits for. */
  #onNodes(): void {
    for (const pod of this.#pods.objects.values()) if (pod.spec.nodeName === undefined) this.#consider(pod);
  }

  #consider(pod: Pod): void {
    const { uid } = pod.metadata;
    if (this.#end.signal.aborted || this.#underWay.has(uid)) return;
    const work = pod.spec.nodeName === undefined ? this.#toSchedule(pod) : this.#toKeep(pod, pod.spec.nodeName);
    if (work === undefined || this.#done.get(uid) === work.key) return;
    this.#done.set(uid, work.key);
    const underWay = work
      .run()
      .catch(async (error: unknown) => {
        if (error instanceof ApiRefusal && [404, 409, 422].includes(error.status)) return;
        // The API server is away.
        this.#done.delete(uid);
        await sleep(RETRY_MS, undefined, { signal: this.#end.signal }).catch(() => undefined);
      })
      .finally(() => {
        this.#underWay.delete(uid);
        const now = this.#pods.objects.get(uid);
        if (now !== undefined) this.#consider(now);
      });
    this.#underWay.set(uid, underWay);
  }

  #toSchedule(pod: Pod): Work | undefined {
    const { namespace, name, uid, deletionTimestamp } = pod.metadata;
    if (!this.#namespaces.has(namespace) || deletionTimestamp !== undefined) return undefined;
    const own = [...this.#nodes.objects.values()].filter((node) => this.#states.get(node.metadata.name)?.up === true);
    const node = chooseNode(pod, own, (candidate) => this.#podsOn(candidate));
    if (node === undefined) return undefined;
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: node },
    };
    return {
      key: `bind to ${node}`,
      run: async () => {
        this.#binding.set(uid, node);
        try {
          await this.#client.create(`${podPath(pod)}/binding`, binding);
        } finally {
          this.#binding.delete(uid);
        }
      },
    };
  }

  #podsOn(node: string): number {
    let count = 0;
    for (const { metadata, spec } of this.#pods.objects.values()) {
      if ((spec.nodeName ?? this.#binding.get(metadata.uid)) === node) count += 1;
    }
    return count;
  }

  #toKeep(pod: Pod, node: string): Work | undefined {
    const state = this.#states.get(node);
    if (state === undefined) return undefined;
    const decision = decidePod(pod, state.up, this.#graceScale);
    if (decision.kind === "end") return { key: "end", run: async () => this.#endPod(pod, node, decision.afterMs) };
    if (decision.kind === "report") {
      const { phase, ready } = decision;
      const status = podStatus(pod, phase, ready, new Date().toISOString());
      return {
        key: `report ${phase} ${ready}`,
        run: async () => this.#client.mergePatch(`${podPath(pod)}/status`, { status }),
      };
    }
    // What was reported once may have to be reported again after the node was away.
    this.#done.delete(pod.metadata.uid);
    return undefined;
  }

  async #endPod(pod: Pod, node: string, afterMs: number): Promise<void> {
    const { uid } = pod.metadata;
    await sleep(afterMs, undefined, { signal: this.#end.signal });
    const now = this.#pods.objects.get(uid);
    const up = this.#states.get(node)?.up === true;
    if (now === undefined) return;
    if (decidePod(now, up, this.#graceScale).kind === "end") {
      await this.#client.delete(podPath(pod), { gracePeriodSeconds: 0, preconditions: { uid } });
    } else {
      this.#done.delete(uid);
    }
  }
}

interface Work {
  /** The same work is not done twice in a row. */
  readonly key: string;
  readonly run: () => Promise<unknown>;
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ApiRefusal && (error.status === 404 || error.status === 409))) throw error;
  }
}
