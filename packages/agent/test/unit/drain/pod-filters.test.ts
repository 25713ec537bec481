import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { DEFAULT_DRAIN_OPTIONS, type DrainOptions } from "../../../src/drain/drain-options.ts";
import { parseNodePod, type NodePod } from "../../../src/drain/node-pod.ts";
import {
  daemonSetKey,
  daemonSetsToLookUp,
  judgePods,
  refusalTexts,
  warningText,
  type DaemonSetState,
  type PodVerdict,
} from "../../../src/drain/pod-filters.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

const PLAIN: NodePod = {
  namespace: "ns",
  name: "pod",
  uid: "u",
  phase: "Running",
  deletionMs: undefined,
  isMirror: false,
  hasEmptyDir: false,
  controller: { apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs" },
};
const DAEMON = { apiVersion: "apps/v1", kind: "DaemonSet", name: "ds" } as const;

function judge(
  pod: Partial<NodePod>,
  options: Partial<DrainOptions> = {},
  state: DaemonSetState = { kind: "there" },
): PodVerdict | undefined {
  const world = {
    options: { ...DEFAULT_DRAIN_OPTIONS, ...options },
    daemonSets: new Map([[daemonSetKey({ namespace: "ns", name: "ds" }), state]]),
    serverMs: NOW_MS,
  };
  return judgePods([{ ...PLAIN, ...pod }], world)[0]?.verdict;
}

const REMOVE = { kind: "remove", warning: undefined };
const SKIP = { kind: "leave", warning: undefined };

describe("kubectl's filters", () => {
  it("let a pod go that a controller makes again", () => {
    expect(judge({})).toEqual(REMOVE);
  });

  it("stop at a pod without a controller, unless forced or finished", () => {
    const message = "Pods that declare no controller (use --force to override)";
    expect(judge({ controller: undefined })).toEqual({ kind: "refuse", message });
    expect(judge({ controller: undefined }, { force: true })).toEqual({
      kind: "remove",
      warning: "deleting Pods that declare no controller",
    });
    expect(judge({ controller: undefined, phase: "Succeeded" })).toEqual(REMOVE);
    expect(judge({ controller: undefined, phase: "Failed" })).toEqual(REMOVE);
  });

  it("stop at local data, unless it may be lost or the pod is finished; the warning is lost as in kubectl", () => {
    const message = "Pods with local storage (use --delete-emptydir-data to override)";
    expect(judge({ hasEmptyDir: true })).toEqual({ kind: "refuse", message });
    expect(judge({ hasEmptyDir: true }, { deleteEmptyDirData: true })).toEqual(REMOVE);
    expect(judge({ hasEmptyDir: true, phase: "Failed" })).toEqual(REMOVE);
  });

  it("leave mirror pods alone without a word, whatever else they are", () => {
    expect(judge({ isMirror: true, hasEmptyDir: true, controller: undefined })).toEqual(SKIP);
  });

  it("stop at a DaemonSet's pod, or leave it with a warning", () => {
    expect(judge({ controller: DAEMON })).toEqual({
      kind: "refuse",
      message: "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
    });
    expect(judge({ controller: DAEMON }, { ignoreDaemonSets: true })).toEqual({
      kind: "leave",
      warning: "ignoring DaemonSet-managed Pods",
    });
    expect(judge({ controller: DAEMON, phase: "Succeeded" })).toEqual(REMOVE);
  });

  it("take a DaemonSet that may not be looked at for one that is there", () => {
    expect(judge({ controller: DAEMON }, { ignoreDaemonSets: true, force: true }, { kind: "hidden" })).toMatchObject({
      kind: "leave",
    });
    expect(judge({ controller: DAEMON }, {}, { kind: "hidden" })).toMatchObject({ kind: "refuse" });
  });

  it("stop at a pod whose DaemonSet is gone, unless forced; ignoring DaemonSets does not help", () => {
    const missing = { kind: "missing", message: 'daemonsets.apps "ds" not found' } as const;
    expect(judge({ controller: DAEMON }, { ignoreDaemonSets: true }, missing)).toEqual({
      kind: "refuse",
      message: 'daemonsets.apps "ds" not found',
    });
    expect(judge({ controller: DAEMON }, { force: true }, missing)).toEqual(REMOVE);
    const unknown = { kind: "unknown", message: "forbidden" } as const;
    expect(judge({ controller: DAEMON }, { force: true }, unknown)).toEqual({ kind: "refuse", message: "forbidden" });
  });

  it("know DaemonSets by kind and version", () => {
    expect(judge({ controller: { ...DAEMON, apiVersion: "example.com/v1" } })).toEqual(REMOVE);
  });

  it("skip what has been in deletion for longer than asked, before all else", () => {
    const options = { skipWaitForDeleteTimeoutSeconds: 10 };
    expect(judge({ deletionMs: NOW_MS - 11_000, controller: undefined }, options)).toEqual(SKIP);
    // kubectl compares whole seconds.
    expect(judge({ deletionMs: NOW_MS - 10_999 }, options)).toEqual(REMOVE);
    expect(judge({ deletionMs: NOW_MS - 11_000 }, {})).toEqual(REMOVE);
    expect(judge({ deletionMs: NOW_MS + 30_000 }, options)).toEqual(REMOVE);
  });

  it("tell each reason once, with all its pods, in kubectl's words", () => {
    const pods = [
      { ...PLAIN, name: "a", controller: undefined },
      { ...PLAIN, name: "b", controller: DAEMON },
      { ...PLAIN, name: "c", controller: undefined },
    ];
    const world = { daemonSets: new Map<string, DaemonSetState>(), serverMs: NOW_MS };
    const bare = judgePods(pods, { ...world, options: DEFAULT_DRAIN_OPTIONS });
    expect(refusalTexts(bare)).toEqual([
      "cannot delete Pods that declare no controller (use --force to override): ns/a, ns/c",
      "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ns/b",
    ]);
    const options = { ...DEFAULT_DRAIN_OPTIONS, force: true, ignoreDaemonSets: true };
    const allowed = judgePods(pods, { ...world, options });
    expect(refusalTexts(allowed)).toEqual([]);
    expect(warningText(allowed)).toBe(
      "deleting Pods that declare no controller: ns/a, ns/c; ignoring DaemonSet-managed Pods: ns/b",
    );
  });
});

const somePod: fc.Arbitrary<NodePod> = fc.record({
  namespace: fc.constantFrom("a", "b"),
  name: fc.string({ minLength: 1, maxLength: 3 }),
  uid: fc.uuid(),
  phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed", "Unknown", ""),
  deletionMs: fc.option(fc.integer({ min: NOW_MS - 60_000, max: NOW_MS + 60_000 }), { nil: undefined }),
  isMirror: fc.boolean(),
  hasEmptyDir: fc.boolean(),
  controller: fc.option(fc.constantFrom(DAEMON, { ...DAEMON, kind: "ReplicaSet" }), { nil: undefined }),
});
const someOptions: fc.Arbitrary<DrainOptions> = fc.record({
  timeoutMs: fc.constant(0),
  gracePeriodSeconds: fc.constant(-1),
  deleteEmptyDirData: fc.boolean(),
  ignoreDaemonSets: fc.boolean(),
  force: fc.boolean(),
  disableEviction: fc.boolean(),
  skipWaitForDeleteTimeoutSeconds: fc.nat({ max: 30 }),
  podSelector: fc.constant(""),
});
const someState: fc.Arbitrary<DaemonSetState> = fc.constantFrom(
  { kind: "there" },
  { kind: "hidden" },
  { kind: "missing", message: "not found" },
  { kind: "unknown", message: "forbidden" },
);

describe("for any pod and options", () => {
  it("nothing is lost that the options do not allow to be lost", () => {
    fc.assert(
      fc.property(somePod, someOptions, someState, (pod, options, state) => {
        const { namespace } = pod;
        const daemonSets = new Map([[daemonSetKey({ namespace, name: "ds" }), state]]);
        const verdict = judgePods([pod], { options, daemonSets, serverMs: NOW_MS })[0]?.verdict;
        if (verdict?.kind !== "remove") return;
        const isFinished = pod.phase === "Succeeded" || pod.phase === "Failed";
        expect(pod.isMirror).toBe(false);
        if (isFinished) return;
        if (pod.hasEmptyDir) expect(options.deleteEmptyDirData).toBe(true);
        if (pod.controller === undefined) expect(options.force).toBe(true);
        if (pod.controller?.kind === "DaemonSet") expect([options.force, state.kind]).toEqual([true, "missing"]);
      }),
      { numRuns: 2000 },
    );
  });

  it("every DaemonSet that a verdict depends on is looked up, and no other", () => {
    fc.assert(
      fc.property(fc.array(somePod, { maxLength: 8 }), someOptions, (pods, options) => {
        const wanted = daemonSetsToLookUp(pods, { options, serverMs: NOW_MS });
        expect(new Set(wanted.map(daemonSetKey)).size).toBe(wanted.length);
        const verdicts = (state: DaemonSetState): readonly PodVerdict[] => {
          const daemonSets = new Map(wanted.map((name) => [daemonSetKey(name), state]));
          return judgePods(pods, { options, daemonSets, serverMs: NOW_MS }).map(({ verdict }) => verdict);
        };
        const one = verdicts({ kind: "missing", message: "m" });
        const other = verdicts({ kind: "unknown", message: "n" });
        const differ = pods.filter((_pod, index) => JSON.stringify(one[index]) !== JSON.stringify(other[index]));
        const named = new Set(wanted.map(({ namespace }) => namespace));
        expect(new Set(differ.map(({ namespace }) => namespace))).toEqual(named);
      }),
    );
  });
});

describe("a listed pod", () => {
  it("is read as far as a drain needs it", () => {
    const pod = {
      metadata: {
        namespace: "ns",
        name: "p",
        uid: "u",
        deletionTimestamp: "2026-01-01T00:00:00Z",
        annotations: { "kubernetes.io/config.mirror": "hash" },
        ownerReferences: [
          { apiVersion: "v1", kind: "Node", name: "n" },
          { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", controller: true },
        ],
      },
      spec: {
        volumes: [
          { name: "a", hostPath: {} },
          { name: "b", emptyDir: {} },
        ],
      },
      status: { phase: "Running" },
    };
    expect(parseNodePod(pod)).toEqual({
      namespace: "ns",
      name: "p",
      uid: "u",
      phase: "Running",
      deletionMs: Date.UTC(2026, 0, 1),
      isMirror: true,
      hasEmptyDir: true,
      controller: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
    });
  });

  it("without what it must have is nonsense, and the field is named", () => {
    const metadata = { namespace: "ns", name: "p", uid: "u" };
    expect(() => parseNodePod({ metadata: { ...metadata, uid: 7 } })).toThrow("metadata.uid");
    expect(() => parseNodePod({ metadata: { ...metadata, deletionTimestamp: "soon" } })).toThrow("deletionTimestamp");
    expect(() => parseNodePod({ metadata: { ...metadata, ownerReferences: [{ controller: true }] } })).toThrow("owner");
    expect(() => parseNodePod(null)).toThrow("metadata");
  });

  it("of whatever shape gives a pod or a NodeApiError", () => {
    fc.assert(
      fc.property(fc.object({ key: fc.constantFrom("metadata", "spec", "status", "uid", "volumes") }), (value) => {
        try {
          parseNodePod(value);
        } catch (error) {
          expect(error).toMatchObject({ code: "NODE_API_NONSENSE" });
        }
      }),
    );
  });
});
