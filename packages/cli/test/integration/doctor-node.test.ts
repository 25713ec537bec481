/** `ros-agent doctor` on a machine that is a node: the real API server, and container runtimes that are missing or dead. */
import { cordonNode } from "@rancheros/agent/drain";
import { once } from "node:events";
import { createServer } from "node:net";
import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { issueClientCertificate } from "../../../../test/control-plane/client-authority.ts";
import { writeKubeconfig } from "../../../../test/control-plane/credentials.ts";
import { applyObjects } from "../../../../test/control-plane/apply-objects.ts";
import { writeKubeletKubeconfig } from "../../../../test/control-plane/kubelet-kubeconfig.ts";
import { makeTestNode, type TestNode } from "../../../../test/kubelets/test-node.ts";
import { startRosAgent } from "./ros-agent.ts";
import { doctor, only, openDoctorGround, type DoctorGround } from "./doctor-ground.ts";

const target = inject("controlPlane");
const KUBELET = "var/lib/rancher/k3s/agent/kubelet.kubeconfig";
const CLUSTER = only("api-server", "own-node", "rights");
let ground: DoctorGround;
let node: TestNode;

beforeAll(async () => {
  ground = await openDoctorGround();
  node = await makeTestNode(target);
  await node.client.send({
    method: "PATCH",
    path: `/api/v1/nodes/${node.name}/status`,
    contentType: "application/merge-patch+json",
    body: { status: { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "posts" }] } },
    signal: new AbortController().signal,
  });
  await mkdir(join(ground.root, "var/lib/rancher/k3s/agent"), { recursive: true });
  writeKubeletKubeconfig(target, node.name, join(ground.root, KUBELET));
});

afterAll(async () => {
  await node.close();
  await ground.remove();
});

/** As somebody whom the cluster gives no rights. */
function strangerKubeconfig(name: string): string {
  const file = join(ground.root, `${name}.kubeconfig`);
  const certificate = issueClientCertificate(target.clientAuthority, { user: name, groups: [] });
  writeKubeconfig(file, target.serverUrl, target.caPem, { name, certificate });
  return file;
}

describe("doctor on a node", () => {
  it("finds the API server, its own node, and with the kubelet's identity all rights that a drain needs", async () => {
    expect((await doctor([...ground.flags, ...CLUSTER])).short).toEqual({
      "api-server": "ok",
      "own-node": "ok",
      rights: "ok",
    });
    await cordonNode(node.client, node.name, { signal: new AbortController().signal });
    expect((await doctor([...ground.flags, ...CLUSTER])).short).toMatchObject({
      "own-node": "warn DOCTOR_NODE_CORDONED",
      rights: "ok",
    });
  });

  it("names the rights that an account does not have", async () => {
    const kubeconfig = strangerKubeconfig("doctor-stranger");
    const { short, lines, exitCode } = await doctor([...ground.flags, "--kubeconfig", kubeconfig, ...CLUSTER]);
    expect(short).toEqual({
      "api-server": "ok",
      "own-node": "fail NODE_API_FORBIDDEN",
      rights: "fail DOCTOR_RIGHTS_MISSING",
    });
    expect(lines["rights"]?.sentence).toMatch(/may not read the node .*cordon .*list pods.*pods\/eviction/);
    expect(exitCode).toBe(5);
    const rules = [
      { apiGroups: [""], resources: ["nodes"], verbs: ["get", "patch", "list"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
    ];
    const metadata = { name: "doctor-half" };
    const api = "rbac.authorization.k8s.io";
    await applyObjects(target, { apiVersion: `${api}/v1`, kind: "ClusterRole", metadata, rules });
    await applyObjects(target, {
      apiVersion: `${api}/v1`,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: api, kind: "ClusterRole", name: "doctor-half" },
      subjects: [{ apiGroup: api, kind: "User", name: "doctor-half" }],
    });
    await expect
      .poll(
        async () => {
          const half = ["--kubeconfig", strangerKubeconfig("doctor-half")];
          return (await doctor([...ground.flags, ...half, ...only("rights")])).lines["rights"]?.sentence;
        },
        { timeout: 30_000, interval: 200 },
      )
      .toMatch(/may not evict pods \(create pods\/eviction\)$/);
  });

  it("finds a kubeconfig of another node, one that is out of date, and one that is none", async () => {
    writeKubeletKubeconfig(target, "no-such-node", join(ground.root, KUBELET));
    expect((await doctor([...ground.flags, ...CLUSTER])).short).toMatchObject({
      "own-node": expect.stringMatching(/^fail NODE_API_/) as string,
    });
    writeKubeletKubeconfig(target, node.name, join(ground.root, KUBELET), { expired: true });
    expect((await doctor([...ground.flags, ...CLUSTER])).short).toEqual({
      "api-server": "fail KUBECONFIG_CERTIFICATE_EXPIRED",
      "own-node": "skipped",
      rights: "skipped",
    });
    await ground.write(KUBELET, "clusters: 7\n");
    expect((await doctor([...ground.flags, ...CLUSTER])).short["api-server"]).toBe("fail KUBECONFIG_INVALID");
    writeKubeletKubeconfig(target, node.name, join(ground.root, KUBELET));
  });
});

describe("doctor on a container runtime", () => {
  const runtime = async (...flags: readonly string[]): Promise<string | undefined> =>
    (await doctor([...ground.flags, ...only("container-runtime"), ...flags])).short["container-runtime"];

  it("that is not there: a fault on a node, and none on a machine that is no node", async () => {
    expect(await runtime()).toBe("fail CONTAINER_RUNTIME_MISSING");
    await rm(join(ground.root, KUBELET));
    expect(await runtime()).toBe("skipped");
    writeKubeletKubeconfig(target, node.name, join(ground.root, KUBELET));
  });

  it("whose socket is there and dead, with a program that says so", async () => {
    const socket = join(ground.root, "run/containerd/containerd.sock");
    await mkdir(join(ground.root, "run/containerd"), { recursive: true });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const program = await ground.write(
      "usr/bin/ctr",
      '#!/bin/sh\necho "ctr: failed to dial \\"$2\\": connection error: connect: connection refused" >&2\nexit 1\n',
    );
    await chmod(program, 0o755);
    expect(await runtime()).toMatch(/^fail CONTAINER_RUNTIME_(UNREACHABLE|FAILED)$/);
    await ground.write("usr/bin/ctr", "#!/bin/sh\nexec sleep 60\n");
    await chmod(program, 0o755);
    expect(await runtime()).toMatch(/^fail (CONTAINER|DOCTOR)_TIMED_OUT$/);
    server.close();
  });
});

describe("doctor on the agent", () => {
  const agent = async (): Promise<string | undefined> => {
    const { short, lines } = await doctor([...ground.flags, ...only("agent")]);
    return `${short["agent"]}: ${lines["agent"]?.sentence}`;
  };

  it("that runs, that does not, that does not answer, and whose journal is broken", async () => {
    await rm(join(ground.root, KUBELET), { force: true });
    const { child, outcome } = startRosAgent(["run", "--without-operator", ...ground.flags]);
    if (child.stderr !== null) await once(child.stderr, "data");
    expect(await agent()).toBe(`ok: runs, process ${child.pid}, Idle`);
    child.kill("SIGTERM");
    await outcome;
    expect(await agent()).toBe("ok: does not run; its journal says Idle");
    const silent = createServer((socket) => socket.on("error", () => undefined));
    await new Promise<void>((resolve) => silent.listen(join(ground.root, "run/rancheros/agent.sock"), resolve));
    silent.unref();
    expect(await agent()).toMatch(/^fail UPGRADE_AGENT_SILENT/);
    silent.close();
    await ground.write("var/lib/rancheros/upgrade.json", "{");
    expect(await agent()).toMatch(/^fail UPGRADE_JOURNAL_BROKEN/);
  });
});
