/** Rollouts end to end: real operators, real agents on machines of real parts, a real API server that evicts. */
import { mkdtempSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import {
  buildVersion,
  DOES_NOT_BOOT,
  podsOf,
  releaseText,
  SITE_NAMESPACE,
  startSite,
  untilAllRun,
  WEB_MIN_AVAILABLE,
  type Site,
  type WholeMachine,
} from "../../whole-machine/index.ts";

const { binariesFolder } = inject("controlPlane");
/** Three machines one after the other, each with a restart and the seconds after it in which services come up. */
const ROLLOUT_MS = 210_000;
/** What a report says of a node that was upgraded is written by then, also where another replica has heard its end (LATE_FACTS_MS). */
const REPORTED_MS = 75_000;
/** So that what a rollout waits for is said, and not only that the time is over. */
const TEST_MS = 240_000;
const DRAIN = { ignoreDaemonSets: true, deleteLocalData: true, timeout: "90s" };

// Short: sockets lie in it.
const folder = mkdtempSync("/tmp/ws-");
let site: Site;
/** There is none where it did not come up, which is then the reason that counts. */
let stopSite: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  site = await startSite({ folder, machines: 3, operators: 2, binariesFolder });
  stopSite = () => site.stop();
});
afterAll(async () => {
  await stopSite();
  rmSync(folder, { recursive: true, force: true });
});

const podUids = (): readonly string[] =>
  ["web", "cache"].flatMap((app) => podsOf(site.kubelets, app).map(({ metadata }) => metadata.uid));

const releases = (): readonly string[] => site.machines.map(({ root }) => root.release);

const reboots = (): readonly number[] => site.machines.map((machine) => machine.reboots);

async function upgradeOf(machine: WholeMachine): Promise<Readonly<Record<string, unknown>>> {
  return (await site.inventory(machine)).status?.["upgrade"] as Readonly<Record<string, unknown>>;
}

async function osVersions(): Promise<readonly unknown[]> {
  const inventories = await Promise.all(site.machines.map((machine) => site.inventory(machine)));
  return inventories.map(({ status }) => (status?.["os"] as { version?: string } | undefined)?.version);
}

async function uncordonedAll(): Promise<void> {
  for (const machine of site.machines) expect(await site.isCordoned(machine), machine.node).toBe(false);
}

/** Of what holds in every rollout, from the API server's own record. */
async function expectGentle(concurrency: number): Promise<void> {
  expect(site.witness.mostSlots).toBeLessThanOrEqual(concurrency);
  expect(site.witness.mostAway).toBeLessThanOrEqual(concurrency);
  expect(site.witness.leastWeb).toBeGreaterThanOrEqual(WEB_MIN_AVAILABLE);
  for (const [pod, { by, times }] of await site.witness.evictions()) {
    expect(times, pod).toBe(1);
    expect(by).toMatch(/^system:node:node-\d$/);
  }
}

describe("a rollout", () => {
  it(
    "takes nodes to a new release one at a time: drained, restarted, verified, given back",
    async () => {
      const before = podUids();
      site.witness.beginCounting();
      const osImage = await site.push("v2.0.0", buildVersion("v2.0.0"));
      await site.applyImage("default", { osImage, concurrency: 1, drain: DRAIN, nodeTimeout: "10m" });
      const done = await site.untilStatus("default", "all run it", ({ state }) => state === "Complete", ROLLOUT_MS);
      expect(done).toMatchObject({ total: 3, updated: 3, updating: 0, failed: 0, pending: 0 });
      expect(releases()).toEqual(Array.from({ length: 3 }, () => releaseText("v2.0.0")));
      expect(reboots()).toEqual([1, 1, 1]);
      await uncordonedAll();
      await expectGentle(1);
      expect([...site.witness.cordoned].sort()).toEqual(["node-1", "node-2", "node-3"]);
      await untilAllRun(site.kubelets, 3);
      // Each of them was on a node that was drained.
      expect(podUids().filter((uid) => before.includes(uid))).toEqual([]);
      for (const machine of site.machines) {
        expect(await upgradeOf(machine)).toMatchObject({
          phase: "Succeeded",
          digest: done.digest,
          attempt: expect.any(Number) as number,
        });
        expect(machine.journal()).toMatchObject({ cordon: "none", failedDigests: [] });
        expect(await machine.containerd.leftovers()).toEqual([]);
      }
    },
    TEST_MS,
  );

  it(
    "is over at once where the image holds the release that runs: nobody is drained, nothing restarts",
    async () => {
      site.witness.beginCounting();
      const before = podUids();
      const other = buildVersion("v2.0.0", { files: [{ path: "/etc/motd", content: "built again\n" }] });
      await site.patchImage("default", { osImage: await site.push("v2.0.0-again", other) });
      const { digest } = other.descriptor;
      const done = await site.untilStatus(
        "default",
        "the image built again",
        (status) => status.state === "Complete" && status.digest === digest,
        ROLLOUT_MS,
      );
      expect(done).toMatchObject({ updated: 3, failed: 0 });
      expect(reboots()).toEqual([1, 1, 1]);
      expect(site.witness.cordoned).toEqual([]);
      expect(podUids()).toEqual(before);
      for (const machine of site.machines) {
        expect(machine.journal()?.history[0]).toMatchObject({ phase: "Succeeded" });
      }
    },
    TEST_MS,
  );

  it(
    "shows where it stands to whoever looks with kubectl",
    async () => {
      const shown = await kubectl(site.controlPlane, [
        "get",
        "managedosimages,machineinventories",
        "-n",
        SITE_NAMESPACE,
      ]);
      expect(shown).toMatch(/default +\S+v2\.0\.0-again +Complete +3 +3 +0 +0 +0/);
      expect(shown.match(/Succeeded/g)).toHaveLength(3);
      await expect.poll(osVersions, { timeout: REPORTED_MS, interval: 500 }).toEqual(["v2.0.0", "v2.0.0", "v2.0.0"]);
      const wide = await kubectl(site.controlPlane, ["get", "minv", "-n", SITE_NAMESPACE, "-o", "wide"]);
      for (const { node } of site.machines) expect(wide).toContain(node);
      const events = await kubectl(site.controlPlane, ["get", "events", "-n", SITE_NAMESPACE]);
      expect(events).toMatch(/SlotGranted/);
      expect(events).toMatch(/Complete/);
    },
    TEST_MS,
  );

  it(
    "halts at the first node whose new system does not come up: it is back on the old one, uncordoned, and not tried again",
    async () => {
      site.witness.beginCounting();
      const bad = buildVersion("v3.0.0", { release: [DOES_NOT_BOOT] });
      await site.patchImage("default", { osImage: await site.push("v3.0.0", bad) });
      const halted = await site.untilStatus("default", "the halt", ({ state }) => state === "Halted", ROLLOUT_MS);
      expect(halted).toMatchObject({ updated: 0, updating: 0, failed: 1, pending: 2, digest: bad.descriptor.digest });
      expect(halted.failures?.[0]).toMatchObject({ reason: "UPGRADE_FELL_BACK" });
      expect(releases()).toEqual(Array.from({ length: 3 }, () => releaseText("v2.0.0")));
      const failed = site.machines.filter(({ reboots: count }) => count === 2);
      expect(failed).toHaveLength(1);
      const [machine] = failed;
      if (machine === undefined) throw new Error("no machine restarted");
      expect(await upgradeOf(machine)).toMatchObject({ phase: "RolledBack", reason: "UPGRADE_FELL_BACK" });
      expect(machine.journal()?.failedDigests.map(({ digest }) => digest)).toEqual([bad.descriptor.digest]);
      await uncordonedAll();
      await expectGentle(1);
      // Killed and started again it does not take the same image again either.
      await machine.killAgent();
      await new Promise((resolve) => setTimeout(resolve, 8_000));
      expect(reboots().reduce((sum, count) => sum + count, 0)).toBe(4);
      expect((await site.status("default")).state).toBe("Halted");
    },
    TEST_MS,
  );

  it(
    "goes on with a fixed image, on the node that had fallen back too",
    async () => {
      site.witness.beginCounting();
      await site.patchImage("default", { osImage: await site.push("v3.0.1", buildVersion("v3.0.1")) });
      const done = await site.untilStatus("default", "all run it", ({ state }) => state === "Complete", ROLLOUT_MS);
      expect(done).toMatchObject({ total: 3, updated: 3, updating: 0, failed: 0, pending: 0 });
      expect(releases()).toEqual(Array.from({ length: 3 }, () => releaseText("v3.0.1")));
      await uncordonedAll();
      await expectGentle(1);
    },
    TEST_MS,
  );
});
