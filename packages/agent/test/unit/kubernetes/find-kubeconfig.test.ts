import { describe, expect, it } from "vitest";
import { stringify } from "yaml";

import type { NodeApiError } from "../../../src/kubernetes/errors.ts";
import { connectThrough } from "../../../src/kubernetes/connect-kubernetes.ts";
import type { KubeconfigSearch } from "../../../src/kubernetes/find-kubeconfig.ts";
import type { ConnectionOptions } from "../../../src/kubernetes/io/https-connection.ts";

function kubeconfig(host: string): string {
  return stringify({
    clusters: [{ name: "c", cluster: { server: `https://${host}` } }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}

/** Connects to nothing, and keeps what it was told. */
async function connected(files: Readonly<Record<string, string | Error>>, search: KubeconfigSearch) {
  const skipped: string[] = [];
  const opened: ConnectionOptions[] = [];
  const outside = {
    wallMs: Date.now,
    pairRefusal: () => undefined,
    nowMs: () => performance.now(),
    readFile: (name: string): Promise<string> => {
      const text = files[name] ?? Object.assign(new Error("no such file"), { code: "ENOENT" });
      return text instanceof Error ? Promise.reject(text) : Promise.resolve(text);
    },
    openConnection: (options: ConnectionOptions) => {
      opened.push(options);
      return { request: () => Promise.reject(new Error("nobody there")), close: () => undefined };
    },
  };
  const onSkipped = ({ code }: NodeApiError): void => void skipped.push(code);
  const client = await connectThrough(outside, { ...search, onSkipped });
  return { host: client.host, path: client.kubeconfigPath, skipped, proxy: opened[0]?.proxy?.host };
}

const FORBIDDEN = Object.assign(new Error("permission denied"), { code: "EACCES" });

describe("the kubeconfig", () => {
  it("that is named is the only one", async () => {
    const files = { "/named": kubeconfig("named"), "/etc/rancher/k3s/k3s.yaml": kubeconfig("k3s") };
    expect(await connected(files, { path: "/named", hostRoot: "/" })).toMatchObject({ host: "named" });
    await expect(connected(files, { path: "/other", hostRoot: "/" })).rejects.toMatchObject({
      code: "KUBECONFIG_MISSING",
      message: "there is no kubeconfig at /other",
    });
  });

  it("of KUBECONFIG goes before the usual ones, and files of it may be missing, but not all", async () => {
    const files = { "/b": kubeconfig("b"), "/etc/rancher/k3s/k3s.yaml": kubeconfig("k3s") };
    const ofVariable = (value: string): KubeconfigSearch => ({ environment: { KUBECONFIG: value }, hostRoot: "/" });
    expect(await connected(files, ofVariable("/a:/b"))).toMatchObject({ host: "b", path: "/b" });
    expect(await connected(files, ofVariable(""))).toMatchObject({ host: "k3s" });
    await expect(connected(files, ofVariable("/a:/c"))).rejects.toMatchObject({ code: "KUBECONFIG_MISSING" });
  });

  it("is the administrator's before the kubelet's, below the host's root", async () => {
    const files = {
      "/host/var/lib/rancher/rke2/agent/kubelet.kubeconfig": kubeconfig("kubelet"),
      "/host/etc/rancher/rke2/rke2.yaml": kubeconfig("admin"),
      "/etc/rancher/k3s/k3s.yaml": kubeconfig("elsewhere"),
    };
    expect(await connected(files, { hostRoot: "/host" })).toMatchObject({ host: "admin", skipped: [] });
  });

  it("that is of no use makes room for the next one, and that is told", async () => {
    const files = {
      "/etc/rancher/k3s/k3s.yaml": FORBIDDEN,
      "/etc/kubernetes/admin.conf": "no: kubeconfig",
      "/var/lib/kubelet/kubeconfig": kubeconfig("kubelet"),
    };
    expect(await connected(files, { hostRoot: "/" })).toMatchObject({
      host: "kubelet",
      skipped: ["KUBECONFIG_UNREADABLE", "KUBECONFIG_INVALID"],
    });
  });

  it("is missed, or told to be of no use, where there is none that can be used", async () => {
    await expect(connected({}, { hostRoot: "/" })).rejects.toMatchObject({ code: "KUBECONFIG_MISSING" });
    const files = { "/etc/rancher/k3s/k3s.yaml": FORBIDDEN, "/var/lib/kubelet/kubeconfig": "" };
    await expect(connected(files, { hostRoot: "/" })).rejects.toMatchObject({
      code: "KUBECONFIG_UNREADABLE",
      details: { path: "/etc/rancher/k3s/k3s.yaml" },
    });
  });

  it("is used through the proxy of the environment, where it names none and the server is not this machine", async () => {
    const environment = { HTTPS_PROXY: "http://proxy:3128", KUBECONFIG: "/k" };
    expect(await connected({ "/k": kubeconfig("far") }, { environment, hostRoot: "/" })).toMatchObject({
      proxy: "proxy:3128",
    });
    const near = await connected({ "/k": kubeconfig("127.0.0.1:6443") }, { environment, hostRoot: "/" });
    expect(near.proxy).toBeUndefined();
    const broken = { environment: { ...environment, HTTPS_PROXY: "ftp://x" }, hostRoot: "/" };
    await expect(connected({ "/k": kubeconfig("far") }, broken)).rejects.toMatchObject({
      message: "HTTPS_PROXY is not the address of an HTTP proxy",
    });
  });
});
