/**
 * How many visits by rancherd's protocol there may be at one time. They wait for what the other side says, or does not: whoever
 * has a token can hold as many as there may be for ten seconds each, so it is a matter of who holds most whose visit ends.
 */
import { sourcePathOf } from "../registration/index.ts";
import type { SessionError } from "./errors.ts";
import { HeldShares } from "./held-shares.ts";
import { tooMany } from "./session-gate.ts";

/** Those above the limit, until they have shown a token and keys: only then does anybody make room for them. */
const UNPROVED_MAX = 32;

type GiveWay = (why: SessionError) => void;

export interface VisitPlace {
  /**
   * The challenge has been sent: from now on somebody who holds less may take the place.
   * @param giveWay  ends the visit, which leaves; may be called at once
   */
  waits(giveWay: GiveWay): void;
  /** The other side has answered: nobody takes the place any more. */
  answered(): void;
  leave(): void;
}

export interface VisitGate {
  /** @throws SessionError SESSION_TOO_MANY; every place needs its `leave` */
  enter(remoteAddress: string | undefined): VisitPlace;
  /** How many are inside at this moment. */
  readonly inside: number;
}

export function createVisitGate(maxVisits: number): VisitGate {
  let inside = 0;
  /** The newest has the least to lose, and would have been refused had it been the last to come. */
  const waiting = new HeldShares<GiveWay>("newest");

  return {
    enter(remoteAddress) {
      const source = sourcePathOf(remoteAddress);
      const hasLess = (): boolean => waiting.roomFor(source, 1) !== undefined;
      if (inside >= maxVisits && (inside >= maxVisits + UNPROVED_MAX || !hasLess())) throw tooMany();
      inside += 1;
      let mine: GiveWay | undefined;
      const answered = (): void => {
        if (mine !== undefined) waiting.delete(source, mine);
      };
      return {
        waits(giveWay) {
          mine = giveWay;
          waiting.add(source, giveWay);
          if (inside > maxVisits) (waiting.roomFor(source) ?? giveWay)(tooMany());
        },
        answered,
        leave() {
          inside -= 1;
          answered();
        },
      };
    },
    get inside() {
      return inside;
    },
  };
}
