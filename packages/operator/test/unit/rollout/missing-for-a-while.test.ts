/** What an image refers to is gone for a while, and no machine asks any more that would find out that it is back. */
import type { Plan } from "@rancheros/protocol/upgrade";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RolloutError } from "../../../src/rollout/errors.ts";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
const MISSING = { type: "Resolved", status: "False", reason: "ROLLOUT_REFERENCE_MISSING" };
const RESOLVED = { type: "Resolved", status: "True", reason: "Resolved" };

let isAway: boolean;
let isLeader: boolean;
let looks: number;
let scene: TwoImages;

/** Both machines are under way when the Secret goes, which one of them finds out. */
beforeEach(async () => {
  [isAway, isLeader, looks] = [false, true, 0];
  scene = new TwoImages("fleet-local", {
    lagMs: () => (isLeader ? 0 : 5_000),
    async materials() {
      looks += 1;
      if (isAway) throw new RolloutError("ROLLOUT_REFERENCE_MISSING", "there is no Secret fleet-local/pull");
      return { prepareEnv: {}, upgradeEnv: {}, credentials: [], firstCredentials: [] };
    },
  });
  const spec = { osImage: "r.example.com/os:v1", imagePullSecrets: [{ name: "pull" }], concurrency: 2 };
  scene.make("os", 1, { ...spec, failureBudget: 0 });
  await scene.time.pass(MINUTE_MS);
});
afterEach(() => scene.run.stop());

async function bothUnderWay(): Promise<readonly [Plan, Plan]> {
  const plans = [(await scene.ask("a")).plan, (await scene.ask("b")).plan];
  const [a, b] = plans;
  if (a === undefined || b === undefined) throw new Error("both are to begin");
  await scene.say("a", a, "Upgrading");
  await scene.say("b", b, "Upgrading");
  isAway = true;
  expect(await scene.ask("a")).toMatchObject({ plan: undefined, waiting: { reason: "Unresolved" } });
  await scene.time.pass(MINUTE_MS);
  expect(scene.image("os").status).toMatchObject({ state: "Resolving", updating: 2 });
  return [a, b];
}

const resolved = () => scene.condition("os", "Resolved");

describe("after both machines have ended", () => {
  it("the image of which all went well says so again soon after it is back", async () => {
    const [a, b] = await bothUnderWay();
    await scene.say("a", a, "Succeeded");
    await scene.say("b", b, "Succeeded");
    await scene.time.pass(30 * MINUTE_MS);
    expect(resolved()).toMatchObject(MISSING);

    isAway = false;
    await scene.time.pass(2 * MINUTE_MS);
    expect(resolved()).toMatchObject(RESOLVED);
    expect(scene.image("os").status).toMatchObject({ state: "Complete", updated: 2 });
  });

  it("the image whose budget is spent is Halted, and not Resolving, also while it is away", async () => {
    const [a, b] = await bothUnderWay();
    await scene.say("a", a, "Succeeded");
    await scene.say("b", b, "Failed", { reason: "X" });
    await scene.time.pass(MINUTE_MS);
    expect(scene.image("os").status).toMatchObject({ state: "Halted", failed: 1 });
    expect(resolved()).toMatchObject(MISSING);

    isAway = false;
    await scene.time.pass(2 * MINUTE_MS);
    expect(resolved()).toMatchObject(RESOLVED);
    expect(scene.image("os").status).toMatchObject({ state: "Halted", failed: 1 });
  });
});

describe("while it is away", () => {
  it("is looked for seldom, and not at all once it is back", async () => {
    await bothUnderWay();
    const before = looks;
    await scene.time.pass(60 * MINUTE_MS);
    expect(looks - before).toBeGreaterThanOrEqual(40);
    expect(looks - before).toBeLessThanOrEqual(70);

    isAway = false;
    await scene.time.pass(2 * MINUTE_MS);
    const after = looks;
    await scene.time.pass(60 * MINUTE_MS);
    expect(looks).toBe(after);
  });

  it("is looked for by nobody but the leader, and by who comes to lead", async () => {
    await bothUnderWay();
    isLeader = false;
    await scene.time.pass(2 * MINUTE_MS);
    const before = looks;
    isAway = false;
    await scene.time.pass(60 * MINUTE_MS);
    expect(looks).toBe(before);
    expect(resolved()).toMatchObject(MISSING);

    isLeader = true;
    await scene.time.pass(2 * MINUTE_MS);
    expect(resolved()).toMatchObject(RESOLVED);
  });

  it("is looked for by an operator that has been started since", async () => {
    await bothUnderWay();
    await scene.restart();
    isAway = false;
    await scene.time.pass(2 * MINUTE_MS);
    expect(resolved()).toMatchObject(RESOLVED);
  });

  it("is looked for no more when the image is deleted, or the operator stops", async () => {
    await bothUnderWay();
    scene.run.onImageGone(scene.image("os"));
    const before = looks;
    await scene.time.pass(10 * MINUTE_MS);
    expect(looks).toBe(before);

    await scene.restart();
    await scene.run.stop();
    await scene.time.pass(10 * MINUTE_MS);
    expect(looks).toBe(before);
  });
});
