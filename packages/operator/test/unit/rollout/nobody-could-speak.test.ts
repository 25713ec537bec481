/** Machines that are under way while no operator hears them, or while the API server is away: they are not to blame for that. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Plan } from "@rancheros/protocol/upgrade";
import type { RolloutNews } from "../../../src/rollout/rollout-parts.ts";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
/** As long as nodeTimeout, and a bit more. */
const LONG_MS = 126 * MINUTE_MS;

let scene: TwoImages;
let plan: Plan;
let isApiThere: boolean;
let news: RolloutNews[];

async function begin(nodeTimeout: string): Promise<void> {
  isApiThere = true;
  news = [];
  scene = new TwoImages("fleet-local", {
    machinesSynced: () => isApiThere,
    tell: (one) => news.push(one),
  });
  scene.make("os", 1, { osImage: "r.example.com/os:v2", nodeTimeout });
  await scene.time.pass(MINUTE_MS);
  const asked = await scene.ask("a");
  if (asked.plan === undefined) throw new Error("the machine is not told to begin");
  ({ plan } = asked);
  await scene.say("a", plan, "Staging");
}

const failures = () => scene.image("os").status?.failures ?? [];
const told = () => news.filter(({ kind }) => kind === "failed");

afterEach(() => scene.run.stop());

describe.each<[string, () => Promise<void>]>([
  [
    "no operator has run",
    async () => {
      await scene.run.stop();
      await scene.time.pass(LONG_MS);
      await scene.restart();
    },
  ],
  [
    "the API server was away",
    async () => {
      isApiThere = false;
      await scene.time.pass(LONG_MS);
      isApiThere = true;
    },
  ],
])("where %s for longer than nodeTimeout", (_, away) => {
  beforeEach(async () => {
    await begin("2h");
    await away();
    await scene.time.pass(4_000);
  });

  it("a machine that has gone on meanwhile says so, and has not failed", async () => {
    expect(failures()).toEqual([]);
    expect(scene.image("os").status).toMatchObject({ state: "Progressing", updating: 1 });
    await scene.time.pass(2 * MINUTE_MS);
    await scene.say("a", plan, "Succeeded");
    await scene.time.pass(MINUTE_MS);
    expect(scene.image("os").status).toMatchObject({ updated: 1, updating: 0, failed: 0 });
    expect(told()).toEqual([]);
  });

  it("one that the outage itself has slowed down says so minutes later, and has not failed", async () => {
    await scene.time.pass(12 * MINUTE_MS);
    expect(failures()).toEqual([]);
    expect(await scene.say("a", plan, "Verifying")).toBe(true);
    await scene.time.pass(5 * MINUTE_MS);
    expect(failures()).toEqual([]);
    expect(scene.image("os").status).toMatchObject({ state: "Progressing", updating: 1, failed: 0 });
    expect(told()).toEqual([]);
  });

  it("one that is under way still has as long as nodeTimeout says from its next word on, up to twice that in all", async () => {
    await scene.time.pass(2 * MINUTE_MS);
    expect(await scene.say("a", plan, "Verifying")).toBe(true);
    await scene.time.pass(100 * MINUTE_MS);
    expect(failures()).toEqual([]);
    await scene.time.pass(20 * MINUTE_MS);
    expect(failures()).toMatchObject([{ reason: "ROLLOUT_NODE_TIMEOUT" }]);
  });

  it("one that speaks again has its slot as before", async () => {
    await scene.time.pass(2 * MINUTE_MS);
    expect(scene.image("os").status?.slots).toMatchObject([{ machine: "a", overdueAt: expect.any(String) as string }]);
    await scene.say("a", plan, "Verifying");
    await scene.time.pass(MINUTE_MS);
    expect(scene.image("os").status?.slots).toMatchObject([{ machine: "a" }]);
    expect(scene.image("os").status?.slots?.[0]).not.toHaveProperty("overdueAt");
  });

  it("one that never speaks again fails once the slowest agent would have tried again", async () => {
    await scene.time.pass(15 * MINUTE_MS);
    expect(failures()).toEqual([]);
    await scene.time.pass(2 * MINUTE_MS);
    expect(failures()).toMatchObject([{ machine: "a", reason: "ROLLOUT_NODE_TIMEOUT" }]);
    expect(scene.image("os").status).toMatchObject({ state: "Halted", failed: 1, updating: 0 });
    expect(told()).toHaveLength(1);
  });
});

it("an operator that is restarted every minute waits no longer for a machine than one that is not", async () => {
  await begin("2h");
  await scene.run.stop();
  await scene.time.pass(LONG_MS);
  const minutes: number[] = [];
  for (let minute = 0; minute < 20; minute += 1) {
    await scene.restart();
    await scene.time.pass(MINUTE_MS);
    if (failures().length > 0) minutes.push(minute);
  }
  expect(minutes).toEqual([15, 16, 17, 18, 19]);
});

it("nobody has longer than nodeTimeout where that is shorter than what agents need to try again", async () => {
  await begin("1m");
  await scene.run.stop();
  await scene.time.pass(LONG_MS);
  await scene.restart();
  await scene.time.pass(50_000);
  expect(failures()).toEqual([]);
  await scene.time.pass(MINUTE_MS / 2);
  expect(failures()).toMatchObject([{ machine: "a", reason: "ROLLOUT_NODE_TIMEOUT" }]);
});
