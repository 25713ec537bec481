/** Which of two challenges of one machine is the later one: no challenge is taken twice, on whatever replica. */
import { CHALLENGE_LIFETIME_MS } from "@rancheros/protocol/attestation";
import { CLOCK_SKEW_MS } from "../session/index.ts";

/** Of two challenges that can both be answered, at any two replicas, none is further ahead of the other. */
const FURTHEST_AHEAD_MS = CHALLENGE_LIFETIME_MS + 2 * CLOCK_SKEW_MS;

export interface ChallengeMark {
  readonly issuedAtMs: number;
  /** 32 hex digits. */
  readonly id: string;
}

const FORM = /^(\d{1,16})[.]([0-9a-f]{32})$/;

/** As it stands in CHALLENGE_ANNOTATION and status.attestation.challenge. */
export function challengeText(mark: ChallengeMark): string {
  return `${mark.issuedAtMs}.${mark.id}`;
}

/**
 * Whether the challenge comes after the remembered one; everything comes after what is no challenge. So it does after one of
 * a replica whose clock was wrong, which nobody can answer now: the machine would be shut out until its time comes.
 * @param mark  one that was found to be neither too old nor of a time to come
 */
export function isLaterChallenge(mark: ChallengeMark, remembered: string | undefined): boolean {
  const [, issuedAt, id] = FORM.exec(remembered ?? "") ?? [];
  if (issuedAt === undefined || id === undefined) return true;
  const before = Number(issuedAt);
  if (before - mark.issuedAtMs > FURTHEST_AHEAD_MS) return true;
  return mark.issuedAtMs === before ? mark.id > id : mark.issuedAtMs > before;
}

/**
 * When a machine's next challenge is issued: now, or a moment after the one that it answered last at a replica that is ahead
 * by what clocks may differ. So a machine that comes to another replica at once is not told to begin again.
 * @param remembered  the challenges that are known of it
 */
export function nextChallengeMs(nowMs: number, remembered: readonly (string | undefined)[]): number {
  let issuedAtMs = nowMs;
  for (const text of remembered) {
    const before = Number(FORM.exec(text ?? "")?.[1] ?? 0);
    // What is further ahead is of a replica whose clock was wrong: see isLaterChallenge.
    if (before - nowMs < CLOCK_SKEW_MS) issuedAtMs = Math.max(issuedAtMs, before + 1);
  }
  return issuedAtMs;
}
