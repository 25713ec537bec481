/** A rollout on whole machines while the operators are killed: it ends as if nothing had been. */
import { mkdtempSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { buildVersion, releaseText, startSite, untilAllRun, type Site } from "../../whole-machine/index.ts";

const { binariesFolder } = inject("controlPlane");
const ROLLOUT_MS = 240_000;
/** So that what a rollout waits for is said, and not only that the time is over. */
const TEST_MS = 300_000;
/** A replica that has just come up gets time to be of use. */
const KILL_EVERY_MS = 8_000;
const DRAIN = { ignoreDaemonSets: true, deleteLocalData: true };

const folder = mkdtempSync("/tmp/ws-");
let site: Site;
let version = 1;

beforeAll(async () => {
  site = await startSite({
    folder,
    machines: 3,
    operators: 2,
    binariesFolder,
  });
});
afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await untilAllRun(site.kubelets, 3);
  site.witness.beginCounting();
});

/** Begins the rollout of a release that nobody has. @returns its digest */
async function nextImage(): Promise<string> {
  version += 1;
  const image = buildVersion(`v${version}.0.0`);
  const osImage = await site.push(`v${version}.0.0`, image);
  await site.applyImage("default", { osImage, concurrency: 1, drain: DRAIN, nodeTimeout: "15m" });
  return image.descriptor.digest;
}

/** All machines run it, none was away beside another, nothing was evicted twice, no cordon is left. */
async function expectConverged(digest: string): Promise<void> {
  const isDone = (status: { state?: string | undefined; digest?: string | undefined }): boolean =>
    status.state === "Complete" && status.digest === digest;
  const done = await site.untilStatus("default", "all run it", isDone, ROLLOUT_MS);
  expect(done).toMatchObject({ total: 3, updated: 3, updating: 0, failed: 0, pending: 0 });
  for (const machine of site.machines) {
    expect(machine.root.release, machine.node).toBe(releaseText(`v${version}.0.0`));
    expect(await site.isCordoned(machine), machine.node).toBe(false);
    expect(machine.journal()?.cordon, machine.node).toBe("none");
    expect(machine.journal()?.history[0], machine.node).toMatchObject({ phase: "Succeeded" });
    expect(await machine.containerd.leftovers()).toEqual([]);
  }
  expect(site.witness.mostSlots).toBe(1);
  expect(site.witness.mostAway).toBe(1);
  const twice = [...(await site.witness.evictions())].filter(([, { times }]) => times > 1);
  expect(twice).toEqual([]);
}

describe("a rollout comes to the same end", () => {
  it(
    "when the operators are killed again and again, one and the other",
    async () => {
      const digest = await nextImage();
      let kills = 0;
      const over = new AbortController();
      const killing = (async () => {
        while (!over.signal.aborted) {
          await site.restartOperator(kills % 2);
          kills += 1;
          await sleep(KILL_EVERY_MS);
        }
      })();
      await expectConverged(digest).finally(() => over.abort());
      await killing;
      expect(kills).toBeGreaterThan(2);
    },
    TEST_MS,
  );
});
