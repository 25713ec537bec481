/** k3s and podman on one machine, each a program that writes down what it is asked: whom an upgrade asks while k3s is away. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { nodeContainers, type ContainerPort } from "@rancheros/agent/upgrade";

const SOCKET = "/run/k3s/containerd/containerd.sock";
let hostRoot = "";
let server: Server | undefined;
let port: ContainerPort;

beforeEach(() => {
  hostRoot = mkdtempSync(path.join(tmpdir(), "held-runtime-"));
  program("/usr/bin/podman");
  program("/usr/local/bin/k3s");
  port = nodeContainers({
    hostRoot,
    runFolder: path.join(hostRoot, "run/rancheros"),
    choice: {},
    registriesPath: undefined,
    bytesPerSecond: undefined,
    recorder: undefined,
    log: () => undefined,
  });
});
afterEach(async () => {
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  rmSync(hostRoot, { recursive: true, force: true });
});

function program(name: string): void {
  const file = path.join(hostRoot, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "$*" >> ${hostRoot}/asked-${path.basename(name)}\necho broken >&2\nexit 1\n`);
  chmodSync(file, 0o755);
}

async function startK3s(): Promise<void> {
  mkdirSync(path.dirname(path.join(hostRoot, SOCKET)), { recursive: true });
  const listening = createServer();
  server = listening;
  await new Promise<void>((resolve) => listening.listen(path.join(hostRoot, SOCKET), resolve));
}

const asked = (name: string): string =>
  existsSync(path.join(hostRoot, `asked-${name}`)) ? readFileSync(path.join(hostRoot, `asked-${name}`), "utf8") : "";

it("asks nobody else about a container while the runtime that is held is away, and asks that as soon as it is there", async () => {
  await startK3s();
  const k3s = await port.find(new AbortController().signal);
  expect(k3s).toEqual({ kind: "containerd", socket: `${hostRoot}${SOCKET}` });
  await new Promise((resolve) => server?.close(resolve));
  rmSync(path.join(hostRoot, SOCKET), { force: true });
  port.hold(k3s);
  await expect(port.stop("ros-agent-upgrade")).rejects.toMatchObject({
    code: "CONTAINER_RUNTIME_MISSING",
    retry: "backoff",
  });
  expect(asked("podman")).toBe("");
  await startK3s();
  await expect(port.stop("ros-agent-upgrade")).rejects.toMatchObject({ code: "CONTAINER_RUNTIME_FAILED" });
  expect([asked("podman"), asked("k3s")]).toEqual(["", expect.stringContaining("containers info ros-agent-upgrade")]);
});

it("does not stay with one that it took while another was away", async () => {
  await expect(port.ownImages(new AbortController().signal)).rejects.toMatchObject({
    code: "CONTAINER_RUNTIME_FAILED",
  });
  expect(asked("podman")).not.toBe("");
  await startK3s();
  await expect(port.ownImages(new AbortController().signal)).rejects.toMatchObject({
    code: "CONTAINER_RUNTIME_FAILED",
  });
  expect(asked("k3s")).not.toBe("");
});
