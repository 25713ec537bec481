/** How many machines may be in the middle of something of the attestation protocol at one time. */
import { SessionError } from "./errors.ts";

export interface SessionGate {
  /** @throws SessionError SESSION_TOO_MANY; every entry that did not throw needs its `leave` */
  enter(): void;
  leave(): void;
  /** How many are inside at this moment. */
  readonly inside: number;
}

export function tooMany(): SessionError {
  return new SessionError("SESSION_TOO_MANY", "too many machines come at this moment, try again");
}

function createSessionGate(maxSessions: number): SessionGate {
  let inside = 0;
  return {
    enter() {
      if (inside >= maxSessions) {
        throw tooMany();
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

/** One for each kind of steps, so that none keeps out the others. */
export interface SessionGates {
  /** Of the steps to a session. None waits for the other side: who says nothing holds no place. */
  readonly steps: SessionGate;
  /** Of the steps of those who have a session: no stranger comes that far. */
  readonly sessions: SessionGate;
  /** How many are inside of all. */
  inside(): number;
}

/** @param maxSessions  of each gate */
export function createSessionGates(maxSessions: number): SessionGates {
  const steps = createSessionGate(maxSessions);
  const sessions = createSessionGate(maxSessions);
  return { steps, sessions, inside: () => steps.inside + sessions.inside };
}

/** Takes a place for as long as the work lasts. @throws SessionError SESSION_TOO_MANY; what the work throws */
export async function within<Result>(gate: SessionGate, work: () => Promise<Result>): Promise<Result> {
  gate.enter();
  try {
    return await work();
  } finally {
    gate.leave();
  }
}
