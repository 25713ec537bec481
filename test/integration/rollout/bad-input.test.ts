/** What is wrong with an image, a container or a kubeconfig ends in a phase and a sentence, and leaves the node as it was. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { abortByHand, upgradeByHand, type HandUpgrade } from "@rancheros/agent/by-hand";
import { nodeContainers, orderByHand, type Ended, type Order } from "@rancheros/agent/upgrade";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { startContainerd, type TestContainerd } from "../../containerd/index.ts";
import { writeKubeletKubeconfig } from "../../control-plane/kubelet-kubeconfig.ts";
import { getObject } from "../../operator/objects.ts";
import { inventName } from "../../control-plane/namespace.ts";
import { startKubelets, type Kubelets } from "../../kubelets/index.ts";
import {
  askedPaths,
  buildImage,
  buildIndex,
  busyboxLayer,
  pushImage,
  REGISTRY_ACCOUNT,
  startRegistry,
  type TestRegistry,
} from "../../registry/index.ts";
import { keySigner } from "../../sigstore/index.ts";
import { buildVersion, MachineRoot, releaseText } from "../../whole-machine/index.ts";

const target = inject("controlPlane");
const folder = mkdtempSync("/tmp/wb-");
const KUBECONFIG = "var/lib/rancher/k3s/agent/kubelet.kubeconfig";
const TIMEOUT_SECONDS = 60;
let containerd: TestContainerd;
let registry: TestRegistry;
let kubelets: Kubelets;
let node: string;
let other: string;
let root: MachineRoot;
let machines = 0;
let good: string;

beforeAll(async () => {
  containerd = await startContainerd({ folder: path.join(folder, "c"), namespace: "default" });
  registry = await startRegistry({ folder: path.join(folder, "r"), auth: "basic" });
  kubelets = await startKubelets(target, { prefix: inventName("bad") });
  node = await kubelets.addNode("a");
  other = await kubelets.addNode("b");
  good = await pushImage(registry, "os", "v2.0.0", buildVersion("v2.0.0"));
});
afterAll(async () => {
  await kubelets.stop();
  await registry.stop();
  await containerd.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  machines += 1;
  root = new MachineRoot({
    folder: path.join(folder, `m${machines}`),
    release: releaseText("v1.0.0"),
    containerdSocket: containerd.socket,
    ctrProgram: containerd.ctrProgram,
  });
  mkdirSync(path.dirname(root.path(KUBECONFIG)), { recursive: true });
  writeKubeletKubeconfig(target, node, root.path(KUBECONFIG));
});

function orderOf(digest: string, plan: Partial<Order["plan"]> = {}): Order {
  const order = orderByHand({
    osImage: `${registry.host}/os:v2.0.0`,
    reference: `${registry.host}/os@${digest}`,
    version: "v2.0.0",
    cordon: true,
    drain: { ignoreDaemonSets: true },
    timeoutSeconds: TIMEOUT_SECONDS,
    force: false,
    allowDowngrade: false,
    credentials: [{ registry: registry.host, ...REGISTRY_ACCOUNT }],
  });
  return { ...order, plan: { ...order.plan, ...plan } };
}

/** @returns how it ended on the machine, and whether the node is cordoned then */
async function upgrade(order: Order): Promise<Ended & { readonly isCordoned: boolean }> {
  const log = (): void => undefined;
  const runFolder = root.path("run/rancheros");
  const containers = nodeContainers({
    hostRoot: root.folder,
    runFolder,
    choice: {},
    registriesPath: undefined,
    bytesPerSecond: undefined,
    recorder: undefined,
    log,
  });
  const own = { hostRoot: root.folder, stateFolder: root.path("var/lib/rancheros"), runFolder, log };
  const options = { ...own, containers, kubeconfig: undefined, checkTimeoutMs: 5_000, environment: {} };
  let ended: Ended | undefined;
  const onState: HandUpgrade["onState"] = ({ history }) => {
    ended = history[0];
  };
  // What waits longer than its plan lets it is told to stop, and fails the test.
  const late = setTimeout(() => void abortByHand(options, AbortSignal.timeout(1)).catch(log), 110_000);
  await upgradeByHand(options, { order, signal: AbortSignal.timeout(120_000), onState });
  clearTimeout(late);
  if (ended === undefined) throw new Error("it has not ended");
  return { ...ended, isCordoned: await isCordoned(node) };
}

async function isCordoned(name: string): Promise<boolean> {
  return (await getObject(target, "node", "", name))?.spec["unschedulable"] === true;
}

const MISSING = `sha256:${"0".repeat(64)}`;
const container = { command: ["/bin/sh", "-c"], env: {}, volumes: [], securityContext: undefined };

describe("an image", () => {
  it("that the registry does not have", async () => {
    expect(await upgrade(orderOf(MISSING))).toMatchObject({
      phase: "Failed",
      reason: { code: "IMAGE_NOT_FOUND", message: expect.stringContaining("os: is not there") as string },
      isCordoned: false,
    });
  });

  it("that the node has no right to", async () => {
    const ended = await upgrade(orderOf(await pushFresh("v2.0.1"), { credentials: [] }));
    expect(ended).toMatchObject({ phase: "Failed", reason: { code: "IMAGE_NO_RIGHTS" }, isCordoned: false });
  });

  it("that nobody has signed, where the machine's own policy wants it: nothing of its layers comes", async () => {
    const signer = keySigner();
    root.write(
      "usr/lib/rancheros/image-policy.yaml",
      JSON.stringify([{ images: ["**"], require: [{ publicKey: signer.pem }] }]),
    );
    const image = buildVersion("v2.0.2");
    const digest = await pushImage(registry, "unsigned", "v2.0.2", image);
    const reference = `${registry.host}/unsigned@${digest}`;
    const plan = { reference, upgrade: { ...orderOf(digest).plan.upgrade, image: reference } };
    expect(await upgrade(orderOf(digest, plan))).toMatchObject({
      phase: "Failed",
      reason: { code: "SIGNATURE_MISSING", message: expect.stringContaining(reference) as string },
      isCordoned: false,
    });
    const asked = await askedPaths(registry, path.join(folder, "r"));
    const [, ...layers] = image.blobs.keys();
    expect(layers.length).toBeGreaterThan(0);
    expect(asked.some((one) => one.includes("unsigned/manifests"))).toBe(true);
    expect(asked.filter((one) => layers.some((layer) => one.includes(`GET /v2/unsigned/blobs/${layer}`)))).toEqual([]);
    expect(await containerd.ctr("images", "ls", "-q")).not.toContain(digest);
  });

  it("that is none for machines of this kind", async () => {
    const image = buildImage({ layers: [busyboxLayer()], platform: { os: "linux", architecture: "s390x" } });
    const digest = await pushImage(registry, "os", "strange", buildIndex([image]));
    const ended = await upgrade(orderOf(digest));
    expect(ended).toMatchObject({ phase: "Failed", isCordoned: false });
    expect(ended.reason?.message).toMatch(/linux\/(amd64|arm64)/);
  });
});

describe("a prepare container", () => {
  it("that fails ends it before the node is cordoned, with its last words", async () => {
    const image = `${registry.host}/os@${good}`;
    const prepare = { ...container, image, args: ["echo the backup is not done; exit 7"] };
    expect(await upgrade(orderOf(good, { prepare }))).toMatchObject({
      phase: "Failed",
      reason: { code: "UPGRADE_PREPARE_FAILED", message: expect.stringContaining("the backup is not done") as string },
      isCordoned: false,
    });
  });

  it("that never ends is ended when the time of the plan is over", async () => {
    const image = `${registry.host}/os@${good}`;
    const prepare = { ...container, image, args: ["sleep 1000"] };
    const ended = await upgrade(orderOf(good, { prepare, timeoutSeconds: 8 }));
    expect(ended).toMatchObject({ phase: "Failed", reason: { code: "UPGRADE_TIMED_OUT" }, isCordoned: false });
    expect(await containerd.leftovers()).toEqual([]);
  });
});

describe("an upgrade container", () => {
  // The node is this machine: it is cordoned before such a container runs.
  beforeEach(async () => kubelets.bringUp(node, { bootId: root.bootId }));

  function upgradeThat(script: string): Partial<Order["plan"]> {
    return { upgrade: { ...container, image: `${registry.host}/os@${good}`, args: [script] } };
  }

  it("that fails, with its last words; the node takes pods again", async () => {
    expect(await upgrade(orderOf(good, upgradeThat("echo the slot cannot be written; exit 7")))).toMatchObject({
      phase: "Failed",
      reason: {
        code: "UPGRADE_CONTAINER_FAILED",
        message: expect.stringContaining("the slot cannot be written") as string,
      },
      isCordoned: false,
    });
  });

  it("that prints a gigabyte before it fails: its last words are told, and nothing of the flood is kept", async () => {
    root.write("flood", "0123456789abcde\n".repeat(1_048_576));
    const script = "i=0; while [ $i -lt 64 ]; do cat /host/flood; i=$((i+1)); done; echo the last word; exit 7";
    const ended = await upgrade(orderOf(good, upgradeThat(script)));
    expect(ended).toMatchObject({
      phase: "Failed",
      reason: { code: "UPGRADE_CONTAINER_FAILED", message: expect.stringContaining("the last word") as string },
      isCordoned: false,
    });
    expect(root.read("var/lib/rancheros/upgrade.json")?.length).toBeLessThan(64 * 1024);
    expect(await containerd.leftovers()).toEqual([]);
  });
});

describe("a kubeconfig", () => {
  it("that is missing, where the plan wants the node drained", async () => {
    root.remove(KUBECONFIG);
    expect(await upgrade(orderOf(good))).toMatchObject({
      phase: "Failed",
      reason: { code: "UPGRADE_NO_NODE" },
      isCordoned: false,
    });
  });

  it("that has expired", async () => {
    writeKubeletKubeconfig(target, node, root.path(KUBECONFIG), { expired: true });
    const ended = await upgrade(orderOf(good, { timeoutSeconds: 10 }));
    expect(ended).toMatchObject({ phase: "Failed", isCordoned: false });
    expect(ended.reason?.message).toMatch(/expired/);
  });

  it("of another machine's node, such as on a copied disk: nothing happens to that one", async () => {
    writeKubeletKubeconfig(target, other, root.path(KUBECONFIG));
    expect(await upgrade(orderOf(good))).toMatchObject({
      phase: "Failed",
      reason: { code: "UPGRADE_OTHER_NODE", message: expect.stringContaining(other) as string },
      isCordoned: false,
    });
    expect(await isCordoned(other)).toBe(false);
  });

  it("of a node that is not there any more", async () => {
    writeKubeletKubeconfig(target, `${other}-gone`, root.path(KUBECONFIG));
    const ended = await upgrade(orderOf(good, { timeoutSeconds: 10 }));
    expect(ended).toMatchObject({ phase: "Failed", isCordoned: false });
    expect(ended.reason?.message).toContain(`${other}-gone`);
  });
});

async function pushFresh(version: string): Promise<string> {
  return pushImage(registry, "os", version, buildVersion(version));
}
