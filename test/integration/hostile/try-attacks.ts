/** One test for each attack: how it is refused, with which code in the audit log, and that nothing has changed. */
import { expect, it } from "vitest";
import type { ApiTarget } from "../../control-plane/read-metadata.ts";
import { LINES, type Attack, type AttackFacts, type StagedAttack } from "../../hostile/attack.ts";
import { untilStill, watched, type Seen, type WatchedOperator } from "../../hostile/watcher.ts";

/** For an operator that is attacked: honest machines' statuses come when all is over, so that what changes is an attack's doing. */
export const ATTACKED = ["--status-delay=86400"] as const;

function refusalOf({ told: { via, code, text }, reason }: AttackFacts): Seen {
  return { told: { via, code, text: expect.stringMatching(text) as string }, reasons: [reason], changed: [] };
}

/**
 * @param watching  the operator that is attacked; it is there when the tests run
 * @param scene     the same for what the attacks need
 */
export function tryAttacks<In>(
  target: ApiTarget,
  watching: WatchedOperator,
  attacks: readonly (Attack<In> | StagedAttack<In>)[],
  scene: () => In,
): void {
  const rows = attacks.map((attack) => ({ ...attack, because: LINES[attack.line] }));
  it.each(rows)("$what: $reason ($because)", async (attack) => {
    const strike = "run" in attack ? async () => attack.run(scene()) : await attack.arrange(scene());
    if ("arrange" in attack) await untilStill(target, watching.namespace);
    expect(await watched(target, watching, strike)).toEqual(refusalOf(attack));
  });
}
