/** Sees every state that the API server stores during a rollout, and remembers the worst. */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { ApiClient, type ApiClientTarget } from "../control-plane/api-client.ts";
import { follow, type FollowedObject, type Follower } from "../control-plane/follow.ts";
import { isReady, type Node, type Pod } from "../kubelets/index.ts";
import { readRemovals } from "../drain-parity/audit-log.ts";

interface SeenImage extends FollowedObject {
  readonly spec: { readonly concurrency?: number };
  readonly status?: ManagedOSImageStatus;
}

export interface WitnessOptions {
  readonly target: ApiClientTarget & { readonly adminToken: string };
  readonly namespace: string;
  /** Of the nodes' names. */
  readonly prefix: string;
  readonly auditLog: string;
}

export class Witness {
  readonly #client: ApiClient;
  readonly #end = new AbortController();
  readonly #options: WitnessOptions;
  readonly #images: Follower<SeenImage>;
  readonly #nodes: Follower<Node>;
  readonly #pods: Follower<Pod>;
  /** Of nodes: what they looked like in each state that was stored. */
  readonly #cordonedNow = new Set<string>();
  readonly #awayNow = new Set<string>();
  readonly #drained: string[] = [];
  readonly #phases: string[] = [];
  #mostSlots = 0;
  #mostAway = 0;
  #leastWeb = Number.POSITIVE_INFINITY;

  constructor(options: WitnessOptions) {
    this.#options = options;
    const { target, namespace } = options;
    this.#client = new ApiClient(target, target);
    const { signal } = this.#end;
    const images = `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/managedosimages`;
    this.#images = follow<SeenImage>(this.#client, images, (image) => this.#onImage(image), signal);
    this.#nodes = follow<Node>(this.#client, "/api/v1/nodes", (node) => this.#onNode(node), signal);
    const web = "/api/v1/pods?labelSelector=app%3Dweb";
    this.#pods = follow<Pod>(this.#client, web, () => this.#onPod(), signal);
  }

  async watching(): Promise<void> {
    await Promise.all([this.#images.ready, this.#nodes.ready, this.#pods.ready]);
  }

  /** Slots that one image had at a time, at most. */
  get mostSlots(): number {
    return this.#mostSlots;
  }

  /** Nodes that were cordoned or not Ready at a time, at most. */
  get mostAway(): number {
    return this.#mostAway;
  }

  /** Ready pods of the Deployment web, at least, since `beginCounting`. */
  get leastWeb(): number {
    return this.#leastWeb;
  }

  /** Nodes in the order in which they were cordoned. */
  get cordoned(): readonly string[] {
    return this.#drained;
  }

  /** States of the image in the order in which they came. */
  get states(): readonly string[] {
    return this.#phases;
  }

  beginCounting(): void {
    this.#mostSlots = 0;
    this.#mostAway = this.#awayNow.size;
    this.#leastWeb = Number.POSITIVE_INFINITY;
    this.#drained.splice(0);
    this.#phases.splice(0);
  }

  /** @returns of each pod that was evicted: by whom, and how often with success; by the API server's own record */
  async evictions(): Promise<ReadonlyMap<string, { readonly by: string; readonly times: number }>> {
    const evicted = new Map<string, { by: string; times: number }>();
    for (const [by, removals] of await readRemovals(this.#options.auditLog)) {
      for (const { verb, pod, dryRun, status } of removals) {
        if (verb !== "evict" || dryRun || status >= 300) continue;
        evicted.set(pod, { by, times: (evicted.get(pod)?.times ?? 0) + 1 });
      }
    }
    return evicted;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.all([this.#images.ended, this.#nodes.ended, this.#pods.ended]);
    await this.#client.close();
  }

  #onImage({ status }: SeenImage): void {
    this.#mostSlots = Math.max(this.#mostSlots, status?.slots?.length ?? 0);
    const state = status?.state;
    if (state !== undefined && state !== this.#phases.at(-1)) this.#phases.push(state);
  }

  #onNode(node: Node): void {
    const { name } = node.metadata;
    if (!name.startsWith(`${this.#options.prefix}-`)) return;
    const isCordoned = node.spec.unschedulable === true;
    if (isCordoned && !this.#cordonedNow.has(name)) this.#drained.push(name);
    if (isCordoned) this.#cordonedNow.add(name);
    else this.#cordonedNow.delete(name);
    if (isCordoned || !isReady(node)) this.#awayNow.add(name);
    else this.#awayNow.delete(name);
    this.#mostAway = Math.max(this.#mostAway, this.#awayNow.size);
  }

  #onPod(): void {
    const ready = [...this.#pods.objects.values()].filter(
      (pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod),
    );
    this.#leastWeb = Math.min(this.#leastWeb, ready.length);
  }
}
