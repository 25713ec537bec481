/** `ros-agent drain` and `undrain` as a user runs them, beside the real kubectl. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { cordonNode } from "@rancheros/agent/drain";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { writeKubeletKubeconfig } from "../../../../test/control-plane/kubelet-kubeconfig.ts";
import { kubectl, type KubectlError } from "../../../../test/control-plane/kubectl.ts";
import { useNamespace } from "../../../../test/control-plane/namespace.ts";
import { makeTestNode, type TestNode } from "../../../../test/kubelets/test-node.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "cli-drain");
const admin = ["--kubeconfig", target.kubeconfigPath] as const;

let folder: string;
let node: TestNode;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "cli-drain-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  node = await makeTestNode(target);
});
afterEach(() => node.close());

function sortedLines(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

describe("drain", () => {
  it("says line for line what kubectl says, and ends well", async () => {
    await node.addPod(namespace, "one");
    await node.addPod(namespace, "orphan", { controller: "none" });
    await node.addPod(namespace, "data", { emptyDir: true });
    const flags = ["--force", "--delete-emptydir-data", "--ignore-daemonsets", "--timeout=30s"];
    const theirs = await kubectl(target, ["drain", node.name, ...flags, "--dry-run=server"]);
    const dry = await rosAgent(["drain", node.name, ...flags, "--dry-run=server", ...admin]);
    expect(dry.code).toBe(0);
    expect(sortedLines(dry.stdout)).toEqual(sortedLines(theirs));
    expect(dry.stderr).toContain(`Warning: deleting Pods that declare no controller: ${namespace}/orphan\n`);

    node.startKubelet();
    const { code, stdout } = await rosAgent(["drain", node.name, ...flags], { KUBECONFIG: target.kubeconfigPath });
    expect(code).toBe(0);
    expect(sortedLines(stdout)).toEqual(
      [
        `node/${node.name} cordoned`,
        ...["one", "orphan", "data"].flatMap((name) => [`evicting pod ${namespace}/${name}`, `pod/${name} evicted`]),
        `node/${node.name} drained`,
      ].sort(),
    );
    expect(await node.pods()).toEqual([]);
  });

  it("cordons for a person: an upgrade finds it so, and it is not the agent's to lift", async () => {
    expect((await rosAgent(["drain", node.name, ...admin])).code).toBe(0);
    const { changed, setBy } = await cordonNode(node.client, node.name, { signal: AbortSignal.timeout(30_000) });
    expect({ changed, setBy }).toEqual({ changed: false, setBy: "ros-agent-drain" });
  });

  it("refuses with kubectl's reasons, and a code of its own", async () => {
    await node.addPod(namespace, "orphan", { controller: "none" });
    await node.addPod(namespace, "data", { emptyDir: true });
    const theirs = await kubectl(target, ["drain", node.name]).catch((error: unknown) => error);
    const ours = await rosAgent(["drain", node.name, ...admin]);
    expect(ours.code).toBe(5);
    const reasons = [
      `cannot delete Pods that declare no controller (use --force to override): ${namespace}/orphan`,
      `cannot delete Pods with local storage (use --delete-emptydir-data to override): ${namespace}/data`,
    ];
    for (const reason of reasons) {
      expect(ours.stderr).toContain(reason);
      expect((theirs as KubectlError).stderr).toContain(reason);
    }
    expect(await node.pods()).toEqual(["data", "orphan"]);
  });

  it("gives one document with --json, for errors too", async () => {
    await node.addPod(namespace, "one", { labels: { app: "json" } });
    await node.addBudget(namespace, "holds-it", "json", 0);
    const failed = await rosAgent(["drain", node.name, "--timeout=2", "--json", ...admin]);
    expect(failed.code).toBe(6);
    expect(errorOf(failed)).toMatchObject({
      code: "DRAIN_TIMED_OUT",
      details: { node: node.name, pending: `${namespace}/one`, budgets: `${namespace}/holds-it` },
    });
    expect(failed.stderr).toContain(`pod/one`);
    await node.allow(namespace, "holds-it", 1);
    node.startKubelet();
    const done = await rosAgent(["drain", node.name, "--json", ...admin]);
    expect(JSON.parse(done.stdout)).toEqual({
      nodeName: node.name,
      cordoned: false,
      removed: [{ namespace, name: "one" }],
      absent: [],
      notAwaited: [],
      left: [],
      warning: "",
      dryRun: "none",
    });
  });

  it("ends soon and in order on SIGTERM", async () => {
    await node.addPod(namespace, "slow");
    const { child, outcome } = startRosAgent(["drain", node.name, ...admin]);
    child.stdout?.on("data", (text: Buffer) => {
      if (text.toString().includes("evicting")) child.kill("SIGTERM");
    });
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain("DRAIN_INTERRUPTED");
    expect(await node.isCordoned()).toBe(true);
  });

  it("knows with the kubelet's kubeconfig which node this machine is", async () => {
    const kubeconfig = path.join(folder, "kubelet.conf");
    writeKubeletKubeconfig(target, node.name, kubeconfig);
    await node.addPod(namespace, "own");
    node.startKubelet();
    const { code, stdout } = await rosAgent(["drain", "--kubeconfig", kubeconfig]);
    expect({ code, last: stdout.trimEnd().split("\n").at(-1) }).toEqual({ code: 0, last: `node/${node.name} drained` });
    const other = await rosAgent(["drain", "not-me", "--kubeconfig", kubeconfig]);
    expect({ code: other.code, stderr: other.stderr }).toMatchObject({ code: 8 });
    expect(other.stderr).toContain("KUBECONFIG_OTHER_NODE");
  });

  it("knows with an administrator's kubeconfig the node that has this machine's host name", async () => {
    const label = { "kubernetes.io/hostname": hostname().toLowerCase() };
    const own = await makeTestNode(target, label);
    try {
      const { code, stdout } = await rosAgent(["drain", ...admin, "--dry-run"]);
      expect(code).toBe(0);
      expect(stdout).toBe(`node/${own.name} cordoned (dry run)\nnode/${own.name} drained (dry run)\n`);
    } finally {
      await own.close();
    }
  });

  it("says what is wrong with a kubeconfig, a node and a flag, and changes nothing", async () => {
    const broken = path.join(folder, "broken");
    writeFileSync(broken, "clusters: 7\n");
    const expectations = [
      { args: ["drain", "n", "--kubeconfig", "/nonexistent"], code: 8, says: "KUBECONFIG_MISSING" },
      { args: ["drain", "n", "--kubeconfig", broken], code: 2, says: "clusters is no list" },
      { args: ["drain", "", ...admin], code: 2, says: "the node is empty" },
      { args: ["undrain", "", ...admin], code: 2, says: "the node is empty" },
      { args: ["drain", "no-such-node", ...admin], code: 5, says: 'nodes "no-such-node" not found' },
      { args: ["drain", node.name, "--timeout=soon", ...admin], code: 2, says: '"soon" is no duration' },
      {
        args: ["drain", node.name, "--pod-selector=a in (", ...admin],
        code: 2,
        says: "must be a valid label selector",
      },
      { args: ["drain", node.name, "--grace-period=x", ...admin], code: 2, says: "CLI_USAGE" },
    ];
    for (const { args, code, says } of expectations) {
      const outcome = await rosAgent(args);
      expect(outcome.stderr).toContain(says);
      expect(outcome.code).toBe(code);
    }
    expect(await node.isCordoned()).toBe(false);
  });
});

describe("undrain", () => {
  it("says what kubectl uncordon says", async () => {
    await kubectl(target, ["cordon", node.name]);
    const dry = await rosAgent(["undrain", node.name, "--dry-run=server", ...admin]);
    expect(dry.stdout).toBe(`node/${node.name} uncordoned (server dry run)\n`);
    expect(await node.isCordoned()).toBe(true);
    expect((await rosAgent(["undrain", node.name, ...admin])).stdout).toBe(`node/${node.name} uncordoned\n`);
    expect(await node.isCordoned()).toBe(false);
    const again = await rosAgent(["undrain", node.name, "--json", ...admin]);
    expect(JSON.parse(again.stdout)).toEqual({ nodeName: node.name, changed: false, dryRun: "none" });
  });
});
