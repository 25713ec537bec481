/**
 * How many visits by rancherd's protocol there may be at one time. They wait for what the other side says, or does not: whoever
 * has a token can hold as many as there may be for ten seconds each, so it is a matter of who holds most whose visit ends.
 */
import { sourceOf } from "../registration/index.ts";
import type { SessionError } from "./errors.ts";
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
  /** By source, in the order in which they were challenged. */
  const waiting = new Map<string, Set<GiveWay>>();
  const heldBy = (source: string): number => waiting.get(source)?.size ?? 0;

  /** Who holds most, and more than this one. */
  function greediestBut(source: string): string {
    let greediest = source;
    for (const [other, { size }] of waiting) if (size > heldBy(greediest)) greediest = other;
    return greediest;
  }

  /** The newest: it has put least into its answer, and would have been refused had it been the last to come. */
  function makeRoom(source: string): void {
    const newest = [...(waiting.get(greediestBut(source)) ?? [])].at(-1);
    newest?.(tooMany());
  }

  function take(source: string, giveWay: GiveWay): void {
    const own = waiting.get(source) ?? new Set();
    waiting.set(source, own.add(giveWay));
    if (inside > maxVisits) makeRoom(source);
  }

  function drop(source: string, giveWay: GiveWay | undefined): void {
    const own = waiting.get(source);
    if (giveWay === undefined || own === undefined) return;
    own.delete(giveWay);
    if (own.size === 0) waiting.delete(source);
  }

  return {
    enter(remoteAddress) {
      const source = sourceOf(remoteAddress);
      const hasLess = heldBy(greediestBut(source)) > heldBy(source) + 1;
      if (inside >= maxVisits + (hasLess ? UNPROVED_MAX : 0)) throw tooMany();
      inside += 1;
      let mine: GiveWay | undefined;
      return {
        waits(giveWay) {
          mine = giveWay;
          take(source, giveWay);
        },
        answered: () => drop(source, mine),
        leave() {
          inside -= 1;
          drop(source, mine);
        },
      };
    },
    get inside() {
      return inside;
    },
  };
}
