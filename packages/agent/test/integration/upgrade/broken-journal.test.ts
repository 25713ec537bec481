/** A daemon that finds its journal broken. */
import { expect, it } from "vitest";

import { operatorOf, startAgent } from "./daemon-on-folder.ts";

it("tells the operator that the journal was broken, where it is kept, and that the cordon may be its own", async () => {
  const waiting = { reason: "UpToDate", message: "nothing to do" };
  const operator = operatorOf({ waiting, nextAskInSeconds: 60 });
  const agent = startAgent(operator.keeper, "{");
  await expect
    .poll(() => operator.told.at(-1), { timeout: 10_000 })
    .toMatchObject({
      phase: "Idle",
      reason: "UPGRADE_JOURNAL_BROKEN",
      message: expect.stringContaining("upgrade.json.broken") as string,
    });
  await agent.end();
  expect(JSON.parse(agent.journal())).toMatchObject({ cordon: "intended", history: [] });
});
