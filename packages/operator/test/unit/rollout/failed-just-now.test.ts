/** A machine that asks a moment after its upgrade went wrong, before that is written down: it is not let go again. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TwoImages } from "./two-images.ts";

const MINUTE_MS = 60_000;
/** The agent asks a second after its last word; what has ended is written after two seconds or more. */
const A_MOMENT = { passMs: 300 };

let scene: TwoImages;
beforeEach(async () => {
  scene = new TwoImages("fleet-local");
  scene.make("os", 1, { osImage: "r.example.com/os:v2", failureBudget: 1 });
  await scene.time.pass(MINUTE_MS);
});
afterEach(() => scene.run.stop());

async function granted() {
  const { plan } = await scene.ask("a");
  if (plan === undefined) throw new Error("the machine is not told to begin");
  await scene.say("a", plan, "Draining");
  return plan;
}

async function expectFailed(reason: string): Promise<void> {
  const { attempts } = scene.image("os").status ?? {};
  for (let asked = 1; asked <= 5; asked += 1) {
    expect(await scene.ask("a")).toMatchObject({ plan: undefined, waiting: { reason: "FailedHere" } });
  }
  const failures = [expect.objectContaining({ machine: "a", reason })];
  expect(scene.image("os").status).toMatchObject({ attempts, failed: 1, updating: 0, slots: [], failures });
}

describe("a machine that asks before its failure is written down", () => {
  it.each(["Failed", "RolledBack"] as const)("is not let go again where its second try ends as %s", async (phase) => {
    scene.annotate("a", "x");
    await scene.say("a", await granted(), phase, A_MOMENT);
    await expectFailed(phase);
    scene.annotate("a", "y");
    await scene.say("a", await granted(), phase, A_MOMENT);
    await expectFailed(phase);
  });

  it("is not let go again where somebody broke the upgrade off on it", async () => {
    await scene.say("a", await granted(), "Idle", { reason: "UPGRADE_ABORTED", ...A_MOMENT });
    await expectFailed("UPGRADE_ABORTED");
    scene.annotate("a", "x");
    await scene.say("a", await granted(), "Succeeded");
    expect(scene.image("os").status).toMatchObject({ failed: 0, updated: 1, failures: [] });
  });

  it("is let go where somebody has asked for that meanwhile", async () => {
    scene.annotate("a", "x");
    const plan = await granted();
    await scene.say("a", plan, "Failed", A_MOMENT);
    scene.annotate("a", "y");
    expect((await granted()).attempt).toBeGreaterThan(plan.attempt);
    expect(scene.image("os").status).toMatchObject({ failed: 0, updating: 1, failures: [] });
  });
});
