import type { MachineInventory, ManagedOSImage } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import type { StoredState } from "../../fleet/history.ts";
import { judgeHistory } from "../../fleet/judge-history.ts";

const metadata = (name: string, version: number) => ({
  name,
  namespace: "n",
  uid: name,
  resourceVersion: String(version),
});

function image(version: number, slots: readonly [machine: string, attempt: number][], failures = 0): StoredState {
  const object = {
    metadata: metadata("os", version),
    spec: { osImage: "example.com/os:v1", failureBudget: 1 },
    status: {
      slots: slots.map(([machine, attempt]) => ({ machine, uid: machine, attempt, cluster: "c1" })),
      failures: Array.from({ length: failures }, (_, at) => ({ machine: `f${at}`, uid: `f${at}` })),
    },
  };
  return { kind: "image", version, object: object as unknown as ManagedOSImage };
}

function machine(version: number, name: string, phase: string): StoredState {
  const object = { metadata: metadata(name, version), spec: {}, status: { upgrade: { phase } } };
  return { kind: "machine", version, object: object as unknown as MachineInventory };
}

const judge = (states: readonly StoredState[], canaries: readonly string[] = []) =>
  judgeHistory(states, {
    concurrency: 2,
    budgetOf: ({ spec }) => Number(spec.failureBudget ?? 0),
    clusterOf: () => "c1",
    canaries: new Set(canaries),
  });

describe("the judge of a rollout's history", () => {
  it("has nothing to say of a history that keeps to the rules, and counts it", () => {
    const judged = judge([
      image(1, [["a", 1]]),
      machine(2, "a", "Upgrading"),
      image(3, [
        ["a", 1],
        ["b", 2],
      ]),
      machine(4, "a", "Succeeded"),
      image(5, [["b", 2]]),
    ]);
    expect(judged).toMatchObject({ violations: [], mostSlots: 2, mostSwitched: 1, states: 5 });
    expect(judged.grants).toEqual(
      new Map([
        ["a", new Set([1])],
        ["b", new Set([2])],
      ]),
    );
    expect(judged.phases).toEqual(new Map([["a", ["Upgrading", "Succeeded"]]]));
  });

  it("sees a slot too many, and names the version", () => {
    const slots = ["a", "b", "c"].map((name, at): [string, number] => [name, at + 1]);
    expect(judge([image(7, slots)]).violations).toEqual(["7: 3 slots in c1"]);
  });

  it("sees machines that are switched without holding slots", () => {
    const states = ["a", "b", "c"].map((name, at) => machine(at, name, "Rebooting"));
    expect(judge(states).violations).toEqual(["2: 3 machines of c1 are switched and have no end: a, b, c"]);
  });

  it("sees an attempt that was given out twice, and a machine that was granted twice", () => {
    const judged = judge([image(1, [["a", 1]]), image(2, [["b", 1]]), image(3, [["a", 2]])]);
    expect(judged.violations).toEqual(["2: attempt 1 of a was given to b too"]);
    expect(judged.grants.get("a")).toEqual(new Set([1, 2]));
  });

  it("sees a machine that was let begin over the budget, and one before the canaries", () => {
    expect(judge([image(1, [["a", 1]], 2)]).violations).toEqual(["1: a was let begin after 2 failures"]);
    const early = judge([image(1, [["k", 1]]), image(2, [["a", 2]])], ["k"]);
    expect(early.violations).toEqual(["2: a was let begin before the canaries k"]);
    const late = judge([image(1, [["k", 1]]), machine(2, "k", "Succeeded"), image(3, [["a", 2]])], ["k"]);
    expect(late.violations).toEqual([]);
  });
});
