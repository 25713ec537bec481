import { describe, expect, it } from "vitest";

import { cordonText, describeDrain } from "../../src/describe-drain.ts";
import { kubectlArgs } from "../../src/node-flags.ts";

const pod = { namespace: "ns", name: "web-0" };

describe("a drain says in kubectl's words", () => {
  // Source: k8s.io/kubectl v0.37 pkg/drain/drain.go, pkg/cmd/drain/drain.go
  it.each([
    [{ kind: "cordon", nodeName: "n1", changed: true }, "tell", "node/n1 cordoned"],
    [{ kind: "cordon", nodeName: "n1", changed: false }, "tell", "node/n1 already cordoned"],
    [{ kind: "evicting", pod, attempt: 1 }, "tell", "evicting pod ns/web-0"],
    [{ kind: "gone", pod, how: "evicted" }, "tell", "pod/web-0 evicted"],
    [{ kind: "gone", pod, how: "deleted" }, "tell", "pod/web-0 deleted"],
    [
      { kind: "not-awaited", pod, seconds: 5 },
      "tell",
      'pod "web-0" has DeletionTimestamp older than 5 seconds, skipping',
    ],
    [
      { kind: "warning", message: "ignoring DaemonSet-managed Pods: ns/a" },
      "remark",
      "Warning: ignoring DaemonSet-managed Pods: ns/a",
    ],
    [
      {
        kind: "blocked",
        pod,
        budget: "b",
        message: "Cannot evict.",
        why: "The disruption budget b is full",
        retryInMs: 5000,
      },
      "remark",
      'error when evicting pods/"web-0" -n "ns" (will retry after 5s): Cannot evict. (The disruption budget b is full)',
    ],
    [
      { kind: "namespace-terminating", pod, message: "forbidden", retryInMs: 5000 },
      "remark",
      'error when evicting pod "web-0" from terminating namespace "ns" (will retry after 5s): forbidden',
    ],
    [{ kind: "drained", nodeName: "n1" }, "tell", "node/n1 drained"],
    [{ kind: "retry", message: "nobody there", retryInMs: 1234 }, "remark", "nobody there; trying again in 1.2 s"],
  ] as const)("%j", (event, where, text) => {
    expect(describeDrain(event, "none")).toEqual({ where, text });
  });

  it("that nothing is changed", () => {
    expect(describeDrain({ kind: "evicting", pod, attempt: 1 }, "client")?.text).toBe(
      "evicting pod ns/web-0 (dry run)",
    );
    expect(describeDrain({ kind: "drained", nodeName: "n1" }, "server")?.text).toBe("node/n1 drained (server dry run)");
    expect(cordonText("n1", { wanted: "uncordoned", changed: true, dryRun: "client" })).toBe(
      "node/n1 uncordoned (dry run)",
    );
  });

  it("nothing about what kubectl passes over in silence", () => {
    expect(describeDrain({ kind: "gone", pod, how: "absent" }, "none")).toBeUndefined();
    expect(describeDrain({ kind: "waiting", pod }, "none")).toBeUndefined();
  });
});

describe("arguments as kubectl takes them", () => {
  it.each([
    [
      ["n1", "--dry-run"],
      ["n1", "--dry-run=client"],
    ],
    [
      ["--dry-run", "n1"],
      ["--dry-run=client", "n1"],
    ],
    [["--dry-run=server"], ["--dry-run=server"]],
    [["--force=true", "--force=false", "--other=true"], ["--other=true"]],
    [["--force", "n1", "--force=false"], ["n1"]],
    [
      ["--force=false", "n1", "--force"],
      ["n1", "--force"],
    ],
    [["--force", "--force=false", "--force=true"], ["--force"]],
    [
      ["--force", "--", "--force=false"],
      ["--force", "--", "--force=false"],
    ],
    [
      ["--dry-run", "--dry-run=none"],
      ["--dry-run=client", "--dry-run=none"],
    ],
    [
      ["--", "--dry-run", "--force=true"],
      ["--", "--dry-run", "--force=true"],
    ],
  ])("%j are read as %j", (given, read) => {
    expect(kubectlArgs(given, ["force"])).toEqual(read);
  });
});
