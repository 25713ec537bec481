/** How many machines may be in the middle of something at one time, whichever protocol they speak. */
import { SessionError } from "./errors.ts";

export interface SessionGate {
  /** @throws SessionError SESSION_TOO_MANY; every entry that did not throw needs its `leave` */
  enter(): void;
  leave(): void;
  /** How many are inside at this moment. */
  readonly inside: number;
}

export function createSessionGate(maxSessions: number): SessionGate {
  let inside = 0;
  return {
    enter() {
      if (inside >= maxSessions) {
        throw new SessionError("SESSION_TOO_MANY", "too many machines register at this moment, try again");
      }
      inside += 1;
    },
    leave() {
      inside -= 1;
    },
    get inside() {
      return inside;
    },
  };
}
