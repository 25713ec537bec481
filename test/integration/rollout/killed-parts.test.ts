/** A rollout on whole machines while parts of it are killed, cut off and filled up: it ends as if nothing had been. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { unmountBelow } from "../../containerd/index.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import {
  buildVersion,
  releaseText,
  SITE_NAMESPACE,
  startSite,
  untilAllRun,
  type Site,
  type WholeMachine,
} from "../../whole-machine/index.ts";

const { binariesFolder } = inject("controlPlane");
const ROLLOUT_MS = 240_000;
/** So that what a rollout waits for is said, and not only that the time is over. */
const TEST_MS = 300_000;
/** A replica that has just come up gets time to be of use. */
const KILL_EVERY_MS = 8_000;
const DRAIN = { ignoreDaemonSets: true, deleteLocalData: true };

/** The two minutes are for nights: RANCHEROS_NIGHTLY=1. */
const OUTAGE_MS = process.env["RANCHEROS_NIGHTLY"] === "1" ? 120_000 : 10_000;
const MIB = 1024 * 1024;
/** What the agent wants to be free for a small image, and a bit. */
const SMALL_DISK_BYTES = 400 * MIB;
const FILLER_BYTES = 250 * MIB;

const folder = mkdtempSync("/tmp/ws-");
const smallDisk = path.join(folder, "m3/c");
let site: Site;
/** There is none where it did not come up, which is then the reason that counts. */
let stopSite: () => Promise<void> = async () => undefined;
let version = 1;

beforeAll(async () => {
  site = await startSite({
    folder,
    machines: 3,
    operators: 2,
    mayBeForbidden: true,
    binariesFolder,
    machine: (number) => ({
      // Slow enough to die in the middle of a layer.
      agentFlags: ["--pull-rate", "8MiB"],
      hasDisk: number === 2,
      ...(number === 3 ? { beforeContainerd: mountSmallDisk } : {}),
    }),
  });
  stopSite = () => site.stop();
});
afterAll(async () => {
  try {
    await stopSite();
  } finally {
    await unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});
beforeEach(async () => {
  await untilAllRun(site.kubelets, 3);
  site.witness.beginCounting();
});

async function mountSmallDisk(where: string): Promise<void> {
  mkdirSync(where, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SMALL_DISK_BYTES}`, "tmpfs", where]);
}

interface Rollout {
  readonly digest: string;
  readonly machines: readonly WholeMachine[];
}

/** Begins the rollout of a release that nobody has on some of the machines. */
async function rollOut(numbers: readonly number[], layer?: Buffer): Promise<Rollout> {
  version += 1;
  const files = layer === undefined ? [] : [{ path: "/usr/lib/firmware.bin", content: layer }];
  const image = buildVersion(`v${version}.0.0`, { files });
  const osImage = await site.push(`v${version}.0.0`, image);
  const machines = site.machines.filter(({ number }) => numbers.includes(number));
  const values = machines.map(({ node }) => node);
  const nodeSelector = { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values }] };
  await site.applyImage("default", { osImage, nodeSelector, concurrency: 1, drain: DRAIN, nodeTimeout: "15m" });
  return { digest: image.descriptor.digest, machines };
}

/** All of them run it, none was away beside another, nothing was evicted twice, no cordon is left but others'. */
async function expectConverged(
  { digest, machines }: Rollout,
  cordonedByOthers: readonly WholeMachine[] = [],
): Promise<void> {
  const isDone = (status: { state?: string | undefined; digest?: string | undefined }): boolean =>
    status.state === "Complete" && status.digest === digest;
  const done = await site.untilStatus("default", "all run it", isDone, ROLLOUT_MS);
  const total = machines.length;
  expect(done).toMatchObject({ total, updated: total, updating: 0, failed: 0, pending: 0 });
  for (const machine of machines) {
    expect(machine.root.release, machine.node).toBe(releaseText(`v${version}.0.0`));
    expect(await site.isCordoned(machine), machine.node).toBe(cordonedByOthers.includes(machine));
    expect(machine.journal()?.cordon, machine.node).toBe("none");
    expect(machine.journal()?.history[0], machine.node).toMatchObject({ phase: "Succeeded" });
    expect(existsSync(`${machine.journalPath}.broken`), machine.node).toBe(false);
    expect(await machine.containerd.leftovers()).toEqual([]);
  }
  expect(site.witness.mostSlots).toBe(1);
  expect(site.witness.mostAway).toBe(1);
  const twice = [...(await site.witness.evictions())].filter(([, { times }]) => times > 1);
  expect(twice).toEqual([]);
}

/** Waits until one of them is in one of the phases, by its own journal. */
async function untilPhase({ machines }: Rollout, ...phases: readonly string[]): Promise<WholeMachine> {
  const deadlineMs = performance.now() + ROLLOUT_MS;
  for (;;) {
    const found = machines.find((machine) => phases.includes(machine.journal()?.run?.phase ?? ""));
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`no machine came to ${phases.join(" or ")}`);
    await sleep(10);
  }
}

/** Waits until more than a MB of a layer has come. */
async function untilLoading({ containerd }: WholeMachine): Promise<void> {
  const deadlineMs = performance.now() + ROLLOUT_MS;
  while (!/\d(\.\d+)?MB/.test(await containerd.ctr("content", "active"))) {
    if (performance.now() > deadlineMs) throw new Error("no layer is being loaded");
    await sleep(10);
  }
}

function machine(number: number): WholeMachine {
  const found = site.machines.find((one) => one.number === number);
  if (found === undefined) throw new Error(`there is no machine ${number}`);
  return found;
}

describe("a rollout comes to the same end", () => {
  it(
    "when the operators are killed again and again, one and the other",
    async () => {
      const rollout = await rollOut([1, 2, 3]);
      let kills = 0;
      const over = new AbortController();
      const killing = (async () => {
        while (!over.signal.aborted) {
          await site.restartOperator(kills % 2);
          kills += 1;
          await sleep(KILL_EVERY_MS);
        }
      })();
      await expectConverged(rollout).finally(() => over.abort());
      await killing;
      expect(kills).toBeGreaterThan(2);
    },
    TEST_MS,
  );

  it(
    "when the API server, the nodes' and the operators', is away while a node is drained",
    async () => {
      const rollout = await rollOut([1, 2]);
      await untilPhase(rollout, "Draining");
      await site.controlPlane.killApiServer();
      await sleep(OUTAGE_MS);
      await site.controlPlane.startApiServer();
      await expectConverged(rollout);
    },
    TEST_MS + OUTAGE_MS,
  );

  it(
    "when power is cut in each phase, and all that was not written onto the disk is lost",
    async () => {
      const rollout = await rollOut([2]);
      const before = machine(2).reboots;
      const cuts = ["Staging", "Draining", "Upgrading", "Verifying"];
      for (const phase of cuts) {
        await untilPhase(rollout, phase);
        await machine(2).powerCut();
      }
      await expectConverged(rollout);
      expect(machine(2).reboots - before).toBeGreaterThanOrEqual(cuts.length);
      expect(machine(2).journal()).toMatchObject({ failedDigests: [] });
    },
    TEST_MS,
  );

  it(
    "when the registry dies in the middle of a layer, and the agent in the drain; whoever had cordoned the node before finds it so",
    async () => {
      const cordoned = machine(1);
      await kubectl(site.controlPlane, ["cordon", cordoned.node]);
      // Nothing that can be compressed: it is what comes through the wire.
      const rollout = await rollOut([1], randomBytes(16 * MIB));
      const killed = untilPhase(rollout, "Draining").then((one) => one.killAgent());
      await untilLoading(cordoned);
      await site.registry.kill();
      await sleep(2_000);
      await site.registry.start();
      await killed;
      await expectConverged(rollout, [cordoned]);
      await kubectl(site.controlPlane, ["uncordon", cordoned.node]);
    },
    TEST_MS,
  );

  it(
    "when a disk is full and somebody makes room: until then the node has failed, has no slot, and takes pods",
    async () => {
      const filler = path.join(smallDisk, "filler");
      execFileSync("fallocate", ["--length", String(FILLER_BYTES), filler]);
      const full = machine(3);
      const rollout = await rollOut([3]);
      const halted = await site.untilStatus("default", "the halt", ({ state }) => state === "Halted", ROLLOUT_MS);
      expect(halted).toMatchObject({ failed: 1, updating: 0, updated: 0 });
      expect(halted.slots ?? []).toEqual([]);
      expect(halted.failures?.[0]).toMatchObject({
        reason: "CONTAINER_DISK_FULL",
        message: expect.stringMatching(/MiB free, and the image needs about \d+ MiB/) as string,
      });
      expect(await site.isCordoned(full)).toBe(false);
      expect(site.witness.cordoned).toEqual([]);
      rmSync(filler);
      const { metadata } = await site.inventory(full);
      const retry = `rancheros.cattle.io/retry-upgrade=${Date.now()}`;
      await kubectl(site.controlPlane, ["annotate", "minv", metadata.name, "-n", SITE_NAMESPACE, retry]);
      await expectConverged(rollout);
    },
    TEST_MS,
  );
});
