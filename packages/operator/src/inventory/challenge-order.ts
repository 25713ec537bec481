/** Which of two challenges of one machine is the later one: no challenge is taken twice, on whatever replica. */

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

/** Whether the challenge comes after the remembered one; everything comes after what is no challenge. */
export function isLaterChallenge(mark: ChallengeMark, remembered: string | undefined): boolean {
  const [, issuedAt, id] = FORM.exec(remembered ?? "") ?? [];
  if (issuedAt === undefined || id === undefined) return true;
  const before = Number(issuedAt);
  return mark.issuedAtMs === before ? mark.id > id : mark.issuedAtMs > before;
}
