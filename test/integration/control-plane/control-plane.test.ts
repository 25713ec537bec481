/** The test control plane keeps its promises: it dies with its parent, leaves nothing, and can be taken away for a while. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { startControlPlane } from "../../control-plane/control-plane.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl, kubectlJson } from "../../control-plane/kubectl.ts";
import { isListening } from "../../swtpm/is-listening.ts";
import { createNamespace, inventName, removeNamespace } from "../../control-plane/namespace.ts";

const { binariesFolder } = inject("controlPlane");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "rancheros-control-plane-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function causeOf(error: unknown): string {
  return error instanceof Error ? String(error.cause) : "not an error";
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

async function accepts(serverUrl: string): Promise<boolean> {
  return isListening(Number(new URL(serverUrl).port));
}

async function becomes(expected: boolean, look: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while ((await look()) !== expected && performance.now() < deadlineMs) await sleep(20);
  return look();
}

describe("a control plane of one's own", () => {
  test("goes away and comes back with its data, and leaves no process and no port", async () => {
    const controlPlane = await startControlPlane({ folder, binariesFolder });
    await kubectl(controlPlane, ["create", "configmap", "kept", "--from-literal=key=value"]);
    expect(statSync(controlPlane.kubeconfigPath).mode & 0o077).toBe(0);

    await controlPlane.killApiServer();
    await expect(kubectl(controlPlane, ["get", "configmap", "kept"])).rejects.toThrow(/refused/);
    await controlPlane.startApiServer();
    expect(await kubectl(controlPlane, ["get", "configmap", "kept", "--output=name"])).toBe("configmap/kept\n");

    await controlPlane.pauseApiServer();
    expect(await accepts(controlPlane.serverUrl)).toBe(true);
    await expect(kubectl(controlPlane, ["get", "configmap"], { timeoutMs: 1_000 })).rejects.toThrow(/in time/);
    controlPlane.resumeApiServer();
    expect(await kubectl(controlPlane, ["get", "configmap", "kept", "--output=name"])).toBe("configmap/kept\n");

    const { etcd, apiServer } = controlPlane.pids();
    await controlPlane.stop();
    expect([isAlive(etcd ?? 0), isAlive(apiServer ?? 0)]).toEqual([false, false]);
    expect(await accepts(controlPlane.serverUrl)).toBe(false);
  });

  test("says that a part died by itself, with its last lines", async () => {
    const controlPlane = await startControlPlane({ folder, binariesFolder });
    process.kill(controlPlane.pids().etcd ?? 0, "SIGKILL");
    await becomes(false, () => isAlive(controlPlane.pids().etcd ?? 0));
    await expect(controlPlane.stop()).rejects.toThrow(/etcd was ended by SIGKILL/);
    expect(await accepts(controlPlane.serverUrl)).toBe(false);
  });

  test("dies with its parent, even when the parent is killed", async () => {
    const starter = path.join(import.meta.dirname, "start-and-wait.ts");
    const parent = spawn(process.execPath, [starter, folder, binariesFolder], { stdio: ["ignore", "pipe", "inherit"] });
    let pids: readonly number[] = [];
    for await (const line of createInterface({ input: parent.stdout })) {
      pids = line.split(" ").map(Number);
      break;
    }
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    parent.kill("SIGKILL");
    await once(parent, "exit");
    for (const pid of pids) expect(await becomes(false, () => isAlive(pid))).toBe(false);
  });

  test("tells why kube-apiserver does not start", async () => {
    const started = startControlPlane({ folder, binariesFolder, apiServerFlags: ["--no-such-flag"] });
    await expect(started.catch(causeOf)).resolves.toContain("no-such-flag");
    const etcdLog = readFileSync(path.join(folder, "etcd.log"), "utf8");
    expect(etcdLog).not.toContain("panic");
  });
});

describe("a namespace of one's own", () => {
  test("is removed with what is in it, finalizers or not", async () => {
    const target = inject("controlPlane");
    const namespace = inventName("emptied");
    await createNamespace(target, namespace);
    await applyObjects(
      target,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "held", namespace, finalizers: ["example.com/hold"] } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "plain", namespace } },
    );
    await removeNamespace(target, namespace);
    const left = await kubectlJson(target, [
      "get",
      "configmaps,secrets",
      "--all-namespaces",
      "--field-selector=metadata.namespace=" + namespace,
    ]);
    expect(left).toMatchObject({ items: [] });
    await expect(kubectl(target, ["get", "namespace", namespace])).rejects.toThrow(/NotFound/);
  });
});
