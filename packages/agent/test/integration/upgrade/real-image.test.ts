/** Upgrades with images in the manner of suc-upgrade, from a real registry in a real containerd; the machine is a folder. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { resolveTag, NO_REGISTRIES } from "@rancheros/agent/images";
import { nodeContainers, orderByHand, type ContainerPort, type Journal, type Order } from "@rancheros/agent/upgrade";

import { openAgent } from "../../../src/agent-session.ts";
import { startContainerd, type TestContainerd } from "../../../../../test/containerd/index.ts";
import { buildOsImage, pushImage, startRegistry, type TestRegistry } from "../../../../../test/registry/index.ts";

/** Source: os2, framework/files/usr/sbin/suc-upgrade: what it does to the machine is copied files here. */
const SUC_UPGRADE = `#!/bin/sh
if cmp /usr/lib/rancheros-release /host/usr/lib/rancheros-release; then echo "up to date"; exit 0; fi
echo "$SYSTEM_UPGRADE_PLAN_NAME $SYSTEM_UPGRADE_PLAN_LATEST_VERSION" > /host/told
cat /run/data/cloud-config > /host/oem/90_operator.yaml
cp /usr/lib/rancheros-release /host/usr/lib/rancheros-release
echo > /host/run/nologin
exit 1
`;

let folder: string;
let machine: string;
let boot: number;
let containerd: TestContainerd;
let registry: TestRegistry;
let containers: ContainerPort;

beforeAll(async () => {
  folder = mkdtempSync("/tmp/ros-up-");
  containerd = await startContainerd({ folder: path.join(folder, "c") });
  registry = await startRegistry({ folder: path.join(folder, "r") });
});

afterAll(async () => {
  await registry.stop();
  await containerd.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  machine = mkdtempSync(path.join(folder, "m-"));
  boot = 0;
  for (const name of ["dev", "run", "oem", "var/lib/rancheros", "proc/sys/kernel/random", "usr/lib"]) {
    mkdirSync(path.join(machine, name), { recursive: true });
  }
  writeFileSync(path.join(machine, "usr/lib/rancheros-release"), "IMAGE=os:v1\n");
  writeFileSync(path.join(machine, "proc/cmdline"), "root=LABEL=COS_ACTIVE\n");
  restart();
  const { ctrProgram, socket, namespace } = containerd;
  containers = nodeContainers({
    hostRoot: machine,
    runFolder: path.join(machine, "run/rancheros"),
    choice: { kind: "containerd", program: [ctrProgram], socket, namespace },
    registriesPath: undefined,
    bytesPerSecond: undefined,
    recorder: undefined,
    log: () => undefined,
  });
});

/** Whatever the end was: no image, no layer and no container of an upgrade stays behind. */
afterEach(async () => {
  expect(await containerd.leftovers()).toEqual([]);
  expect(await containerd.ctr("images", "ls", "--quiet")).toBe("");
  expect(await containerd.ctr("content", "ls", "--quiet")).toBe("");
});

function restart(): void {
  boot += 1;
  writeFileSync(path.join(machine, "proc/sys/kernel/random/boot_id"), `boot-${boot}\n`);
  rmSync(path.join(machine, "run/nologin"), { force: true });
}

async function push(upgradeScript: string | undefined, tag: string): Promise<Order> {
  await pushImage(registry, "os", tag, buildOsImage({ release: `IMAGE=os:${tag}\n`, upgradeScript }));
  const osImage = `${registry.host}/os:${tag}`;
  const { signal } = new AbortController();
  const { reference, tag: version } = await resolveTag({
    reference: osImage,
    registries: NO_REGISTRIES,
    account: undefined,
    signal,
  });
  const order = orderByHand({
    osImage,
    reference,
    version,
    cordon: false,
    drain: undefined,
    timeoutSeconds: 120,
    force: false,
    allowDowngrade: false,
    credentials: [],
  });
  return { ...order, keepsCloudConfig: false, plan: { ...order.plan, cloudConfig: "hostname: m1\n" } };
}

/** An agent until the upgrade has ended; one that is given an order also until the machine restarts. */
async function liveOnce(order: Order | undefined): Promise<Journal> {
  const options = {
    hostRoot: machine,
    stateFolder: path.join(machine, "var/lib/rancheros"),
    runFolder: path.join(machine, "run/rancheros"),
    kubeconfig: undefined,
    checkTimeoutMs: 5_000,
    environment: {},
    log: () => undefined,
    containers,
  };
  const session = await openAgent(options, () => Promise.resolve("held"));
  const { upgrades } = session;
  const over = new AbortController();
  if (order !== undefined) await upgrades.offer(order);
  const work = upgrades.work(over.signal);
  const isOver = (): boolean => {
    const phase = upgrades.journal().run?.phase;
    return phase === undefined || (order !== undefined && phase === "Rebooting");
  };
  while (!isOver()) await upgrades.changed(over.signal);
  over.abort();
  await work;
  session.close();
  return upgrades.journal();
}

describe("an upgrade of a machine with a real containerd", () => {
  it("runs an unmodified suc-upgrade: restart, exit 1, run again, exit 0 is one success", async () => {
    const order = await push(SUC_UPGRADE, "v2");
    expect((await liveOnce(order)).run?.phase).toBe("Rebooting");
    restart();
    const { history } = await liveOnce(undefined);
    expect(history).toMatchObject([{ phase: "Succeeded", subject: { osImage: `${registry.host}/os:v2` } }]);
    expect(readFileSync(path.join(machine, "usr/lib/rancheros-release"), "utf8")).toBe("IMAGE=os:v2\n");
    expect(readFileSync(path.join(machine, "oem/90_operator.yaml"), "utf8")).toBe("hostname: m1\n");
    expect(readFileSync(path.join(machine, "told"), "utf8")).toBe("by-hand v2\n");
    expect(await containerd.leftovers()).toEqual([]);
  });

  it("does nothing where that image runs already", async () => {
    const order = await push(SUC_UPGRADE, "v1");
    writeFileSync(path.join(machine, "oem/90_operator.yaml"), "hostname: m1\n");
    expect((await liveOnce(order)).history).toMatchObject([{ phase: "Succeeded" }]);
    expect(existsSync(path.join(machine, "told"))).toBe(false);
  });

  it("says in the end what an image lacks that has no suc-upgrade", async () => {
    const order = await push(undefined, "v3");
    const { history } = await liveOnce(order);
    expect(history).toMatchObject([{ phase: "Failed", reason: { code: "CONTAINER_COMMAND_MISSING" } }]);
    expect(await containerd.leftovers()).toEqual([]);
  });

  it("stops an upgrade container that hangs, and keeps its last words", async () => {
    const order = await push('#!/bin/sh\necho "waiting for nothing"\nsleep 600\n', "v4");
    const hasty = { ...order, plan: { ...order.plan, timeoutSeconds: 8 } };
    const { history } = await liveOnce(hasty);
    expect(history).toMatchObject([{ phase: "Failed", reason: { code: "UPGRADE_CONTAINER_HANGS" } }]);
    expect(history[0]?.reason?.message).toContain("waiting for nothing");
    expect(await containerd.leftovers()).toEqual([]);
  });
});
