/** The operator's image in a real containerd: as nobody in particular, on a root that is read-only, with the chart's rights. */
import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { writeOperatorKubeconfig } from "../../chart/operator-login.ts";
import { startContainerd, type TestContainerd } from "../../containerd/index.ts";
import { findFreePort } from "../../control-plane/free-port.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { startPodman } from "../../engines/index.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const MAIN = path.join(ROOT, "packages/operator/src/main.ts");
const NAME = "localhost/operator:test";
/** ctr takes what is named instead of the image's entrypoint. */
const PROGRAM = "/usr/bin/rancheros-operator";
/** Of the archive, compressed: Node is most of it. */
const MOST_BYTES = 50 * 1024 * 1024;
const READY_TIMEOUT_MS = 30_000;

const run = promisify(execFile);
const target = inject("controlPlane");
const namespace = useNamespace(target, "operator-image");

let folder = "";
let containerd: TestContainerd;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "image-"));
  [containerd] = await Promise.all([startContainerd({ folder: path.join(folder, "c") }), build("out")]);
  await containerd.ctr("images", "import", path.join(folder, "out/rancheros-operator-image.tar"));
});
afterAll(async () => {
  await containerd.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function build(out: string, ...more: readonly string[]): Promise<void> {
  const script = path.join(ROOT, "scripts/build-operator-image");
  const args = ["--name", NAME, "--out", path.join(folder, out), ...more];
  await run(script, args, { env: { ...process.env, TZ: "Asia/Tokyo" } });
}

function image(file: string): Buffer {
  return readFileSync(path.join(folder, file));
}

async function isUp(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

describe("the operator's image", () => {
  it("is small", () => {
    expect(image("out/rancheros-operator-image.tar").length).toBeLessThan(MOST_BYTES);
  });

  it("answers as the checkout does", async () => {
    const ours = await containerd.ctr("run", "--rm", "--read-only", NAME, "help", PROGRAM, "--help");
    expect(ours).toBe((await run(process.execPath, [MAIN, "--help"])).stdout);
    const crds = await containerd.ctr("run", "--rm", "--read-only", NAME, "crds", PROGRAM, "crds");
    expect(crds).toBe((await run(process.execPath, [MAIN, "crds"])).stdout);
  });

  it("serves a cluster without being root, and without writing anywhere", async () => {
    const given = path.join(folder, "given");
    mkdirSync(given);
    chmodSync(folder, 0o755);
    const login = path.join(folder, "login");
    mkdirSync(login);
    const options = { kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace };
    copyFileSync(await writeOperatorKubeconfig(login, options), path.join(given, "kubeconfig"));
    chmodSync(path.join(given, "kubeconfig"), 0o644);
    const [https, http, health] = [await findFreePort(), await findFreePort(), await findFreePort()];
    const mount = `type=bind,src=${given},dst=/etc/operator,options=rbind:ro`;
    const flags = [
      "--kubeconfig=/etc/operator/kubeconfig",
      `--namespace=${namespace}`,
      `--watch-namespace=${namespace}`,
      `--https-listen=127.0.0.1:${https}`,
      `--http-listen=127.0.0.1:${http}`,
      `--health-listen=127.0.0.1:${health}`,
      `--server-url=https://127.0.0.1:${https}`,
      "--stop-delay=0",
    ];
    const args = ["--rm", "--read-only", "--net-host", "--mount", mount, NAME, "serving", PROGRAM, "run", ...flags];
    const state = { ended: false };
    const serving = containerd.ctr("run", ...args).finally(() => {
      state.ended = true;
    });
    // What goes wrong is told where it is awaited.
    serving.catch(() => undefined);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!state.ended && performance.now() < deadline && !(await isUp(`http://127.0.0.1:${health}/readyz`)))
      await sleep(50);
    if (!state.ended) {
      expect(await isUp(`http://127.0.0.1:${health}/healthz`)).toBe(true);
      const pid = /^serving\s+(\d+)/m.exec(await containerd.ctr("tasks", "ls"))?.[1];
      expect(readFileSync(`/proc/${pid}/status`, "latin1")).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
      await containerd.ctr("tasks", "kill", "--signal", "SIGTERM", "serving");
    }
    expect(await serving).toContain('"message":"stopped"');
  });

  it("is the same bytes when it is made again elsewhere", async () => {
    mkdirSync(path.join(folder, "context/dist"), { recursive: true });
    await build("again", "--rootfs", path.join(folder, "context/dist/operator-rootfs.tar"));
    expect(image("again/rancheros-operator-image.tar").equals(image("out/rancheros-operator-image.tar"))).toBe(true);
    expect(image("again/rancheros-operator-image.cdx.json").toString()).toBe(
      image("out/rancheros-operator-image.cdx.json").toString(),
    );
  });

  it("is made by a container engine from the Dockerfile too, and does the same without being root", async () => {
    const podman = await startPodman(path.join(folder, "p"));
    try {
      const context = path.join(folder, "context");
      podman.command("build", "--quiet", "--network=none", "--tag=by-file", `--file=${ROOT}/Dockerfile`, context);
      const [made] = JSON.parse(podman.command("image", "inspect", "by-file")) as [{ readonly Config: object }];
      expect(made.Config).toMatchObject({ User: "65532:65532", Entrypoint: [PROGRAM] });
      const crds = podman.command("run", "--rm", "--read-only", "--network=none", "by-file", "crds");
      expect(crds).toBe((await run(process.execPath, [MAIN, "crds"])).stdout.trim());
    } finally {
      await podman.stop();
    }
  });

  it("tells what it is made of: the operator, Node, npm packages, Debian's libraries", () => {
    const materials = JSON.parse(image("out/rancheros-operator-image.cdx.json").toString()) as {
      readonly components: readonly { readonly name: string; readonly licenses: readonly unknown[] }[];
    };
    const names = materials.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["rancheros-operator", "node", "undici", "libc6", "libstdc++6"]));
    for (const { licenses } of materials.components) expect(licenses).toHaveLength(1);
  });
});
