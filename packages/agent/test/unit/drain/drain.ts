/** A drain of a fake cluster's node in virtual time, under any circumstances, and the pods for it. */
import type { DrainEvent } from "../../../src/drain/drain-event.ts";
import { drainThrough, type DrainReport } from "../../../src/drain/drain-node.ts";
import { DEFAULT_DRAIN_OPTIONS, type DrainOptions } from "../../../src/drain/drain-options.ts";
import { FakeCluster, NODE, type FakePod } from "./fake-cluster.ts";
import { VirtualTime } from "./virtual-time.ts";

interface Course {
  readonly cluster: FakeCluster;
  readonly events: readonly DrainEvent[];
  readonly tookMs: number;
  readonly report: DrainReport | undefined;
  readonly error: unknown;
  readonly sleeping: number;
}

interface Circumstances {
  readonly options?: Partial<DrainOptions>;
  readonly away?: readonly (readonly [fromMs: number, toMs: number])[];
  readonly abortAtMs?: number;
  readonly evictionSupport?: boolean;
  readonly losesCordon?: boolean;
  readonly asksAgainForCordon?: boolean;
  readonly othersAreFaster?: boolean;
  readonly removalMs?: number;
  readonly busyTimes?: number;
  readonly clockAheadMs?: number;
  readonly failedLooks?: readonly number[];
  readonly cacheBehindMs?: number;
  readonly tooLargeTimes?: number;
}

export async function drain(pods: readonly FakePod[], circumstances: Circumstances = {}): Promise<Course> {
  const time = new VirtualTime();
  const cluster = new FakeCluster(time, pods, circumstances.away);
  cluster.evictionSupport = circumstances.evictionSupport ?? true;
  cluster.losesCordon = circumstances.losesCordon ?? false;
  cluster.asksAgainForCordon = circumstances.asksAgainForCordon ?? false;
  cluster.othersAreFaster = circumstances.othersAreFaster ?? false;
  cluster.removalMs = circumstances.removalMs ?? cluster.removalMs;
  cluster.busyTimes = circumstances.busyTimes ?? 0;
  cluster.clockAheadMs = circumstances.clockAheadMs ?? 0;
  cluster.failedLooks = circumstances.failedLooks ?? [];
  cluster.cacheBehindMs = circumstances.cacheBehindMs ?? 0;
  cluster.tooLargeTimes = circumstances.tooLargeTimes ?? 0;
  const controller = new AbortController();
  const { abortAtMs } = circumstances;
  if (abortAtMs !== undefined) {
    void time.sleep(abortAtMs, new AbortController().signal).then(() => controller.abort());
  }
  const events: DrainEvent[] = [];
  const options = { ...DEFAULT_DRAIN_OPTIONS, ...circumstances.options };
  const work = drainThrough(time, cluster, {
    nodeName: NODE,
    options,
    signal: controller.signal,
    onEvent: (event) => events.push(event),
  });
  const [report, error] = await time.run(
    work.then(
      (done) => [done, undefined] as const,
      (reason: unknown) => [undefined, reason] as const,
    ),
  );
  return { cluster, events, tookMs: time.nowMs(), report, error, sleeping: time.sleeping };
}

export function pod(name: string, options: Partial<FakePod> = {}): FakePod {
  return { name, uid: `uid-${name}`, endsAfterMs: 2_000, ...options };
}
