/** The number of a grant, as a status has it. */

/** Far more than any image grants: neither a machine nor who writes into a status by hand is to use up the numbers. */
const BELIEVED_MAX = 2 ** 52;

/** @returns 0 where there is none, or one that nobody has granted */
export function believedAttempt(attempt: number | undefined): number {
  return attempt === undefined || attempt > BELIEVED_MAX ? 0 : attempt;
}
