import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { drainVerdict, parseNodeFacts, type NodeFacts } from "../../../src/drain/drain-verdict.ts";

function node(name: string, options: Partial<NodeFacts> = {}): NodeFacts {
  return { name, isServer: false, takesPods: true, ...options };
}

describe("whether to drain", () => {
  it("the only node: no", () => {
    expect(drainVerdict("a", [node("a")])).toMatchObject({ kind: "skip", reason: "single-node" });
  });

  it("the only server beside agents: no; one of two servers, or an agent: yes", () => {
    const server = node("s", { isServer: true });
    expect(drainVerdict("s", [server, node("a")])).toMatchObject({ kind: "skip", reason: "last-server" });
    expect(drainVerdict("s", [server, node("t", { isServer: true })])).toEqual({ kind: "drain", reason: undefined });
    expect(drainVerdict("a", [server, node("a")])).toEqual({ kind: "drain", reason: undefined });
  });

  it("where no other node takes pods: yes, and that is said", () => {
    const others = [node("a"), node("b", { takesPods: false })];
    expect(drainVerdict("a", others)).toMatchObject({ kind: "drain", reason: "nowhere" });
  });

  it("where the nodes are hidden, or this one is not among them: yes", () => {
    expect(drainVerdict("a", undefined)).toMatchObject({ kind: "drain", reason: "hidden" });
    expect(drainVerdict("a", [node("b")])).toEqual({ kind: "drain", reason: undefined });
  });

  it("once it is yes without a word, further nodes do not change it", () => {
    const some = fc.record({
      name: fc.constantFrom("a", "b", "c", "d"),
      isServer: fc.boolean(),
      takesPods: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.uniqueArray(some, { selector: ({ name }) => name }), fc.nat(), (nodes, cut) => {
        const first = nodes.slice(0, cut % (nodes.length + 1));
        const isDecided = first.some(({ name }) => name === "a") && drainVerdict("a", first).reason === undefined;
        if (isDecided) expect(drainVerdict("a", nodes)).toEqual(drainVerdict("a", first));
      }),
    );
  });
});

describe("a listed node", () => {
  it("is a server by its role, and takes pods when it is ready and not cordoned", () => {
    const listed = (labels: object, unschedulable: boolean | undefined, ready: string): unknown => ({
      metadata: { name: "n", labels },
      spec: { unschedulable },
      status: { conditions: [{ type: "Ready", status: ready }] },
    });
    expect(parseNodeFacts(listed({ "node-role.kubernetes.io/etcd": "true" }, undefined, "True"))).toEqual({
      name: "n",
      isServer: true,
      takesPods: true,
    });
    expect(parseNodeFacts(listed({}, true, "True"))).toEqual({ name: "n", isServer: false, takesPods: false });
    expect(parseNodeFacts(listed({}, undefined, "Unknown")).takesPods).toBe(false);
    expect(() => parseNodeFacts({})).toThrow("without a name");
  });
});
