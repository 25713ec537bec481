import { describe, expect, it } from "vitest";

import { readAnswer } from "../../../src/kubernetes/api-answer.ts";
import { NodeApiError } from "../../../src/kubernetes/errors.ts";
import { judgeEviction } from "../../../src/drain/judge-eviction.ts";

/** The error for a Status object, as an API server 1.37 words it. */
function refusal(code: number, message: string, cause?: readonly [string, string], retryAfter?: string): NodeApiError {
  const causes = cause === undefined ? [] : [{ reason: cause[0], message: cause[1] }];
  const body = { kind: "Status", status: "Failure", message, code, details: { causes } };
  return told(code, JSON.stringify(body), retryAfter);
}

function told(status: number, body: string, retryAfter?: string): NodeApiError {
  try {
    readAnswer({ status, retryAfter, date: undefined, body: Buffer.from(body) });
  } catch (error) {
    if (error instanceof NodeApiError) return error;
  }
  throw new Error("not refused");
}

const HELD = "Cannot evict pod as it would violate the pod's disruption budget.";

describe("a refused eviction", () => {
  it("that a PodDisruptionBudget holds is tried again after 5 s, and the budget is named", () => {
    const why = "The disruption budget web-pdb needs 2 healthy pods and has 2 currently";
    expect(judgeEviction(refusal(429, HELD, ["DisruptionBudget", why]), false)).toEqual({
      kind: "blocked",
      budget: "web-pdb",
      why,
      retryInMs: 5000,
    });
  });

  it("waits longer where the API server asks for it", () => {
    const why = "The disruption budget web-pdb is still being processed by the server.";
    expect(judgeEviction(refusal(429, HELD, ["DisruptionBudget", why], "10"), false)).toMatchObject({
      budget: "web-pdb",
      retryInMs: 10_000,
    });
  });

  it("of a busy API server is not held by a budget", () => {
    expect(judgeEviction(refusal(429, "too many requests, please try again later", undefined, "1"), false)).toEqual({
      kind: "unsure",
    });
  });

  it("for two budgets is final, and so is a broken budget and any other failure of the server", () => {
    const two = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    expect(judgeEviction(refusal(500, two), false)).toEqual({ kind: "final" });
    const broken =
      "The disruption budget x does not allow evicting pods currently: pdb disruptions allowed is negative";
    expect(judgeEviction(refusal(403, "forbidden", ["DisruptionBudget", broken]), false)).toEqual({ kind: "final" });
    expect(judgeEviction(refusal(500, "failed calling webhook"), false)).toEqual({ kind: "final" });
    expect(judgeEviction(refusal(403, "node n1 can only evict pods with spec.nodeName set to itself"), false)).toEqual({
      kind: "final",
    });
  });

  it("in a namespace that is being deleted is waited out", () => {
    const error = refusal(403, "ns is being terminated", ["NamespaceTerminating", "namespace ns is being terminated"]);
    expect(judgeEviction(error, false)).toEqual({ kind: "namespace-terminating", retryInMs: 5000 });
    expect(judgeEviction(error, true)).toEqual({ kind: "ending" });
  });

  it("of a pod that is not there is no failure", () => {
    expect(judgeEviction(refusal(404, 'pods "x" not found'), false)).toEqual({ kind: "gone" });
  });

  it.each([
    'Operation cannot be fulfilled on Pod "web-0": the UID in the precondition (a) does not match the UID in record (b). The object might have been deleted and then recreated',
    'Operation cannot be fulfilled on poddisruptionbudgets.policy "web-pdb": the object has been modified; please apply your changes to the latest version and try again',
  ])("for a change that came between has to be looked after: %s", (message) => {
    expect(judgeEviction(refusal(409, message), false)).toEqual({ kind: "unsure" });
  });

  it("by a webhook that speaks of a conflict is final", () => {
    const words =
      'admission webhook "pods.example.com" denied the request: Operation cannot be fulfilled on pods "web-0"';
    expect(judgeEviction(refusal(409, words), false)).toEqual({ kind: "final" });
  });

  it.each([
    ["etcd that changes its leader", refusal(500, "etcdserver: leader changed")],
    ["etcd that takes too long", refusal(500, "etcdserver: request timed out")],
    ["a load balancer before the API server", told(502, "<html>502 Bad Gateway</html>")],
  ])("for %s has to be looked after", (_what, error) => {
    expect(judgeEviction(error, false)).toEqual({ kind: "unsure" });
  });

  it.each([
    refusal(502, 'admission webhook "pods.example.com" denied the request: bad gateway'),
    refusal(500, 'admission webhook "pods.example.com" denied the request: etcdserver: leader changed'),
    told(500, "<html>500 Internal Server Error</html>"),
  ])("by whoever may have judged the pod is final: $message", (error) => {
    expect(judgeEviction(error, false)).toEqual({ kind: "final" });
  });

  it("about which nothing is known has to be looked after", () => {
    for (const code of ["NODE_API_UNREACHABLE", "NODE_API_TIMED_OUT", "NODE_API_NONSENSE"] as const) {
      expect(judgeEviction(new NodeApiError(code, "x"), false)).toEqual({ kind: "unsure" });
    }
    expect(judgeEviction(refusal(504, "couldn't update PodDisruptionBudget", undefined, "10"), false)).toEqual({
      kind: "unsure",
    });
  });
});
