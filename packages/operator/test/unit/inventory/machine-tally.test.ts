/** How many machines there are of each kind. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { PHASE_NAMES } from "@rancheros/protocol/upgrade";
import { MachineTally } from "../../../src/inventory/machine-tally.ts";

const machine = fc.record({
  approval: fc.constantFrom("Approved", "Pending", "Denied"),
  phase: fc.option(fc.constantFrom(...PHASE_NAMES), { nil: undefined }),
});

it("counts who is there, whoever has come and gone", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(machine, fc.boolean())), (all) => {
      const tally = new MachineTally();
      const entries = all.map(([{ approval, phase }, stays]) => ({
        stays,
        approval,
        rollout: {
          upgrade:
            phase === undefined
              ? undefined
              : {
                  image: undefined,
                  plan: undefined,
                  attempt: 1,
                  phase,
                  sinceMs: undefined,
                  heardMs: undefined,
                  digest: undefined,
                  reason: undefined,
                  message: undefined,
                },
        },
      }));
      for (const one of entries) tally.change(one, 1);
      for (const one of entries) if (!one.stays) tally.change(one, -1);
      const left = entries.filter(({ stays }) => stays);
      for (const { approval, phase, count } of tally.counts()) {
        const same = left.filter(
          (one) => one.approval === approval && (one.rollout.upgrade?.phase ?? "Idle") === phase,
        );
        expect(same.length).toBe(count);
      }
      expect(tally.counts().reduce((sum, { count }) => sum + count, 0)).toBe(left.length);
      expect(tally.pendingCount).toBe(left.filter(({ approval }) => approval === "Pending").length);
    }),
  );
});
