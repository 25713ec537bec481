/** The cluster's clock put forward by hours while machines are under way: a restored or suspended control plane, or NTP at last. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Plan } from "@rancheros/protocol/upgrade";
import { createHearing } from "../../../src/rollout/hearing.ts";
import type { RolloutNews } from "../../../src/rollout/rollout-parts.ts";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let scene: TwoImages;
let plan: Plan;
let aheadMs: number;
let news: RolloutNews[];

async function begin(nodeTimeout: string): Promise<void> {
  aheadMs = 0;
  news = [];
  let passed: (() => number) | undefined;
  scene = new TwoImages("fleet-local", { tell: (one) => news.push(one), nowMs: () => (passed?.() ?? 0) + aheadMs });
  passed = () => scene.time.nowMs;
  scene.make("os", 1, { osImage: "r.example.com/os:v2", nodeTimeout });
  await scene.time.pass(MINUTE_MS);
  const asked = await scene.ask("a");
  if (asked.plan === undefined) throw new Error("the machine is not told to begin");
  ({ plan } = asked);
  await scene.say("a", plan, "Staging");
  await scene.time.pass(30 * MINUTE_MS);
  await scene.say("a", plan, "Draining");
}

const failures = () => scene.image("os").status?.failures ?? [];
const told = () => news.filter(({ kind }) => kind === "failed");

afterEach(() => scene.run.stop());

describe.each([
  ["1h", 8],
  ["2h", 3],
  ["2h", 5],
])("a clock that is put forward while a machine is under way, nodeTimeout %s, by %i hours", (nodeTimeout, hours) => {
  beforeEach(async () => {
    await begin(nodeTimeout);
    aheadMs = hours * HOUR_MS;
    await scene.time.pass(1_000);
    await scene.ask("b");
  });

  it("fails nobody, holds up no rollout, and takes no slot from a machine before its switch", async () => {
    expect(failures()).toEqual([]);
    await scene.time.pass(8 * MINUTE_MS);
    expect(failures()).toEqual([]);
    expect(await scene.say("a", plan, "Draining")).toBe(true);
    await scene.time.pass(8 * MINUTE_MS);
    expect(await scene.say("a", plan, "Upgrading")).toBe(true);
    await scene.time.pass(20 * MINUTE_MS);
    expect(failures()).toEqual([]);
    expect(scene.image("os").status).toMatchObject({ state: "Progressing", updating: 1, failed: 0 });
    expect(scene.image("os").status?.slots?.[0]).not.toHaveProperty("overdueAt");
    await scene.say("a", plan, "Succeeded");
    await scene.time.pass(MINUTE_MS);
    expect(scene.image("os").status).toMatchObject({ updated: 1, updating: 0, failed: 0 });
    expect(told()).toEqual([]);
  });

  it("gives up one that never speaks again, once the slowest agent would have tried again", async () => {
    await scene.time.pass(15 * MINUTE_MS);
    expect(failures()).toEqual([]);
    await scene.time.pass(2 * MINUTE_MS);
    expect(failures()).toMatchObject([{ machine: "a", reason: "ROLLOUT_NODE_TIMEOUT" }]);
    expect(told()).toHaveLength(1);
  });

  it("gives up one that goes on speaking once it has had twice its time, without what the clock was put forward", async () => {
    const limitMinutes = 2 * Number.parseInt(nodeTimeout, 10) * 60;
    const said: number[] = [];
    for (let minute = 30; minute < limitMinutes + 30 && failures().length === 0; minute += 10) {
      await scene.say("a", plan, "Draining");
      await scene.time.pass(10 * MINUTE_MS);
      said.push(minute + 10);
    }
    expect(failures()).toMatchObject([{ reason: "ROLLOUT_NODE_TIMEOUT", message: /still in phase Draining/ }]);
    expect(said.at(-1)).toBeGreaterThanOrEqual(limitMinutes);
    expect(said.at(-1)).toBeLessThanOrEqual(limitMinutes + 20);
  });
});

describe("since when machines are heard", () => {
  const START_MS = Date.parse("2030-01-01T00:00:00Z");
  let steadyMs: number;
  let wallMs: number;
  let heard: ReturnType<typeof createHearing>;

  /** @param putMs  that the clock is put forward meanwhile */
  function pass(ms: number, putMs = 0) {
    steadyMs += ms;
    wallMs += ms + putMs;
    return heard();
  }

  beforeEach(async () => {
    await begin("2h");
    steadyMs = 7;
    wallMs = START_MS;
    heard = createHearing({ machinesSynced: () => true, nowMs: () => wallMs, steadyMs: () => steadyMs });
    heard();
  });

  it("is since the start while the clock goes as time does, however long nobody asks, and where it is put right a little", () => {
    expect(pass(8 * HOUR_MS).sinceMs).toBe(START_MS);
    expect(pass(MINUTE_MS, 10_000).sinceMs).toBe(START_MS);
    expect(heard().putForwardMs(START_MS)).toBe(0);
  });

  it("is since now where it was put forward, and what was before that was so much longer ago than it seems", () => {
    pass(HOUR_MS);
    const { sinceMs, putForwardMs } = pass(MINUTE_MS, 5 * HOUR_MS);
    expect(sinceMs).toBe(wallMs);
    expect([START_MS, START_MS + HOUR_MS, wallMs, wallMs + 1].map((ms) => putForwardMs(ms))).toEqual([
      5 * HOUR_MS,
      5 * HOUR_MS,
      0,
      0,
    ]);
    expect(pass(HOUR_MS).sinceMs).toBe(sinceMs);
    expect(pass(1_000, 2 * HOUR_MS).putForwardMs(START_MS)).toBe(7 * HOUR_MS);
  });

  it("is no later than now, and nothing was put forward, where the clock is put back again", () => {
    pass(HOUR_MS, 24 * HOUR_MS);
    const { sinceMs, putForwardMs } = pass(MINUTE_MS, -24 * HOUR_MS);
    expect([sinceMs, putForwardMs(START_MS)]).toEqual([wallMs, 0]);
    expect(pass(MINUTE_MS, -HOUR_MS).putForwardMs(START_MS)).toBe(0);
    expect(pass(MINUTE_MS, HOUR_MS).putForwardMs(START_MS)).toBe(HOUR_MS);
  });

  it("keeps a bounded number of times at which it was put forward, the last ones", () => {
    for (let times = 0; times < 1_000; times += 1) pass(HOUR_MS, HOUR_MS);
    expect(heard().putForwardMs(START_MS)).toBe(16 * HOUR_MS);
  });
});
