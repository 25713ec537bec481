import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { findRuntime, runtimeMissing } from "@rancheros/agent/containers";

let root: string;
let servers: Server[];

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "ros-find-"));
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(root, { recursive: true, force: true });
});

function program(name: string, mode = 0o755): void {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, mode);
}

async function socket(name: string): Promise<void> {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(file, resolve));
}

/** As `systemctl enable` does: an absolute link, whose target is in the machine's own root. */
function enable(unit: string): void {
  linkToUnit(unit);
  writeFileSync(path.join(root, UNITS, unit), "[Service]\n");
}

/** What is left where the unit was taken away. */
function linkToUnit(unit: string): void {
  const folder = path.join(root, WANTS);
  mkdirSync(folder, { recursive: true });
  symlinkSync(path.join(UNITS, unit), path.join(folder, unit));
}

const UNITS = "/etc/systemd/system";
const WANTS = `${UNITS}/multi-user.target.wants`;
const K3S = "/run/k3s/containerd/containerd.sock";

describe("findRuntime", () => {
  it("finds k3s by its own ctr, and without that by k3s itself", async () => {
    await socket(K3S);
    program("/usr/local/bin/k3s");
    const found = { kind: "containerd", origin: "k3s", namespace: "k8s.io", socket: `${root}${K3S}` };
    expect(await findRuntime({ hostRoot: root })).toMatchObject({
      kind: "found",
      runtime: { ...found, program: [`${root}/usr/local/bin/k3s`, "ctr"] },
    });
    program("/var/lib/rancher/k3s/data/current/bin/ctr");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({
      runtime: { ...found, program: [`${root}/var/lib/rancher/k3s/data/current/bin/ctr`] },
    });
  });

  it("tells rke2 from k3s, whose socket it shares, by its program", async () => {
    await socket(K3S);
    program("/var/lib/rancher/rke2/bin/ctr");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { origin: "rke2", namespace: "k8s.io" } });
  });

  it("finds containerd, podman and docker of the system", async () => {
    program("/usr/bin/docker");
    await socket("/run/docker.sock");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { kind: "docker" } });
    program("/usr/bin/podman");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { kind: "podman", socket: undefined } });
    await socket("/run/containerd/containerd.sock");
    program("/usr/bin/ctr");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({
      runtime: { kind: "containerd", namespace: "default" },
    });
    const choice = { kind: "docker" } as const;
    expect(await findRuntime({ hostRoot: root, choice })).toMatchObject({ runtime: { kind: "docker" } });
  });

  it("takes what is set, and refuses a program without its kind", async () => {
    program("/opt/own/ctr");
    await socket("/own.sock");
    const choice = { program: [`${root}/opt/own/ctr`], socket: `${root}/own.sock`, namespace: "mine" } as const;
    expect(await findRuntime({ hostRoot: root, choice: { ...choice, kind: "containerd" } })).toMatchObject({
      runtime: { origin: "set", namespace: "mine", socket: `${root}/own.sock` },
    });
    await expect(findRuntime({ hostRoot: root, choice })).rejects.toMatchObject({ code: "CONTAINER_SPEC_INVALID" });
  });

  it("does not take podman for k3s, which is enabled and has not started yet, unless podman is named", async () => {
    program("/usr/local/bin/k3s");
    program("/usr/bin/podman");
    // Disabled, or with docker in place of a containerd of its own.
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { kind: "podman" } });
    enable("k3s.service");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { kind: "podman" } });
    mkdirSync(path.join(root, "/var/lib/rancher/k3s/agent/containerd"), { recursive: true });
    const search = await findRuntime({ hostRoot: root });
    expect(search.kind).toBe("missing");
    const { message } = runtimeMissing(search.looks);
    expect(message).toContain(`${root}${WANTS}/k3s.service`);
    expect(message).toContain("--runtime");
    const choice = { kind: "podman" } as const;
    expect(await findRuntime({ hostRoot: root, choice })).toMatchObject({ runtime: { kind: "podman" } });
    await socket(K3S);
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { origin: "k3s" } });
  });

  it("does not wait for rke2 where k3s has the socket of the two, and its program", async () => {
    enable("rke2-server.service");
    mkdirSync(path.join(root, "/var/lib/rancher/rke2/agent/containerd"), { recursive: true });
    program("/var/lib/rancher/k3s/data/current/bin/ctr");
    program("/usr/bin/podman");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ kind: "missing" });
    await socket(K3S);
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { origin: "k3s" } });
  });

  it.each<[string, () => void]>([
    ["is not there any more", () => undefined],
    ["is masked", () => symlinkSync("/dev/null", path.join(root, UNITS, "rke2-server.service"))],
    [
      "leads round in a circle",
      () => symlinkSync("rke2-server.service", path.join(root, UNITS, "rke2-server.service")),
    ],
  ])("does not wait for rke2 whose unit %s, though a link to it and its images are left", async (_what, left) => {
    linkToUnit("rke2-server.service");
    left();
    // No file, as the null device is none.
    mkdirSync(path.join(root, "/dev/null"), { recursive: true });
    mkdirSync(path.join(root, "/var/lib/rancher/rke2/agent/containerd"), { recursive: true });
    program("/usr/bin/podman");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { kind: "podman" } });
  });

  it("does not wait for the containerd of k3s that was moved to docker, and keeps its old images", async () => {
    enable("k3s.service");
    mkdirSync(path.join(root, "/var/lib/rancher/k3s/agent/containerd"), { recursive: true });
    program("/usr/local/bin/k3s");
    program("/usr/bin/docker");
    await socket("/run/docker.sock");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ kind: "missing" });
    await socket("/run/k3s/cri-dockerd/cri-dockerd.sock");
    expect(await findRuntime({ hostRoot: root })).toMatchObject({ runtime: { kind: "docker" } });
  });

  it("waits for the one that is held, also where others are there, until it is gone with its program", async () => {
    const held = { kind: "containerd", socket: `${root}${K3S}` } as const;
    program("/usr/bin/podman");
    program("/usr/local/bin/k3s");
    expect(await findRuntime({ hostRoot: root, held })).toMatchObject({ kind: "missing" });
    await socket(K3S);
    expect(await findRuntime({ hostRoot: root, held })).toMatchObject({ runtime: { origin: "k3s" } });
    const choice = { kind: "podman" } as const;
    expect(await findRuntime({ hostRoot: root, held, choice })).toMatchObject({ runtime: { kind: "podman" } });
    rmSync(path.join(root, K3S));
    rmSync(path.join(root, "/usr/local/bin/k3s"));
    expect(await findRuntime({ hostRoot: root, held })).toMatchObject({ runtime: { kind: "podman" } });
  });

  it("waits for a held rke2 whose programs lie on a disk that comes late", async () => {
    program("/usr/bin/podman");
    enable("rke2-server.service");
    const held = { kind: "containerd", socket: `${root}${K3S}` } as const;
    expect(await findRuntime({ hostRoot: root, held })).toMatchObject({ kind: "missing" });
  });

  it("keeps to podman where that is held and k3s comes up beside it", async () => {
    program("/usr/bin/podman");
    program("/usr/local/bin/k3s");
    await socket(K3S);
    const held = { kind: "podman", socket: undefined } as const;
    expect(await findRuntime({ hostRoot: root, held })).toMatchObject({ runtime: { kind: "podman" } });
  });

  it("tells what it looked at where it finds nothing", async () => {
    program("/usr/bin/podman", 0o644);
    mkdirSync(path.join(root, "/run"));
    writeFileSync(path.join(root, "/run/docker.sock"), "");
    const search = await findRuntime({ hostRoot: root });
    expect(search.kind).toBe("missing");
    expect(search.looks).toContainEqual({ path: `${root}/usr/bin/podman`, wanted: "program", found: "not-executable" });
    expect(search.looks).toContainEqual({ path: `${root}/run/docker.sock`, wanted: "socket", found: "not-a-socket" });
    expect(runtimeMissing(search.looks).details["lookedAt"]).toContain(`${root}${K3S}: missing`);
  });

  it("does not call missing what answers with an error, as a file system does whose disk or server fails", async () => {
    mkdirSync(path.join(root, "/run"));
    symlinkSync("docker.sock", path.join(root, "/run/docker.sock"));
    const search = await findRuntime({ hostRoot: root });
    expect(search.looks).toContainEqual({ path: `${root}/run/docker.sock`, wanted: "socket", found: "unreadable" });
  });
});
