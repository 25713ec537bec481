/** A daemon whose operator sends a plan that it cannot read. */
import { describe, expect, it } from "vitest";

import { planOf } from "../../unit/upgrade/machine-world.ts";
import { operatorOf, startAgent } from "./daemon-on-folder.ts";

const NO_TIMEOUT = "the plan has bad fields: plan.timeoutSeconds: is missing";

describe("a plan that the agent cannot read", () => {
  it("ends its attempt with the reason, in the status that the operator gets and in that of the machine", async () => {
    const { timeoutSeconds: _timeout, ...plan } = planOf();
    const operator = operatorOf({ plan, nextAskInSeconds: 1 });
    const agent = startAgent(operator.keeper);
    const { id, image, attempt } = plan;
    await expect
      .poll(() => operator.told.at(-1), { timeout: 10_000 })
      .toMatchObject({
        plan: id,
        image,
        attempt,
        phase: "Failed",
        reason: "UPGRADE_PLAN_UNREADABLE",
        message: NO_TIMEOUT,
      });
    const state = await agent.state();
    expect(state).toMatchObject({
      phase: "Failed",
      reason: { code: "UPGRADE_PLAN_UNREADABLE", message: NO_TIMEOUT },
    });
    expect(state.failedDigests).toEqual([]);
    await agent.end();
    expect(agent.log).toEqual([`${NO_TIMEOUT} (UPGRADE_PLAN_UNREADABLE)`]);
    // It outlives the agent, and is no upgrade under way.
    expect(JSON.parse(agent.journal())).toMatchObject({ history: [{ subject: { planId: id, attempt } }] });
  });

  it("is told of though nobody can say which one it is", async () => {
    const operator = operatorOf({ nextAskInSeconds: 1 });
    const agent = startAgent(operator.keeper);
    const message = "the plan has bad fields: plan: must be there, or waiting, and not both";
    await expect
      .poll(() => operator.told.at(-1), { timeout: 10_000 })
      .toMatchObject({ phase: "Idle", attempt: 0, reason: "UPGRADE_PLAN_UNREADABLE", message });
    expect((await agent.state()).reason).toEqual({ code: "UPGRADE_PLAN_UNREADABLE", message });
    await agent.end();
    expect(agent.log).toEqual([`${message} (UPGRADE_PLAN_UNREADABLE)`]);
  });
});
