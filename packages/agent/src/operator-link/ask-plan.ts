/** GET plan: what the operator wants of this machine, opened with the session's key. */
import { AttestationMessageError, openSessionSeal, readSealedAnswer } from "@rancheros/protocol/attestation";
import { readPlanAnswer, type PlanAnswer } from "@rancheros/protocol/upgrade";

import type { SessionKeeper } from "../registration/index.ts";

/** An answer with the tag by which it is asked whether it has changed. */
export interface TaggedPlan {
  readonly answer: PlanAnswer;
  readonly etag: string | undefined;
}

export interface AskedPlan {
  /** The one before where nothing has changed. */
  readonly tagged: TaggedPlan;
  readonly nextAskInSeconds: number;
}

const NOT_MODIFIED = 304;
const LONGEST_ASK_SECONDS = 31 * 86_400;

/**
 * @param last  what is known already
 * @throws RegistrationError, TpmError, AttestationMessageError
 */
export async function askPlan(keeper: SessionKeeper, last: TaggedPlan | undefined): Promise<AskedPlan> {
  return keeper.with(async (session) => {
    const headers = last?.etag === undefined ? {} : { "if-none-match": last.etag };
    const reply = await session.send({ method: "GET", endpoint: "plan", step: "plan", headers });
    if (reply.status === NOT_MODIFIED && last !== undefined) {
      const next = secondsOf(reply.headers["retry-after"]) ?? last.answer.nextAskInSeconds;
      return { tagged: last, nextAskInSeconds: next };
    }
    const { sealed } = readSealedAnswer(reply.body);
    const answer = readPlanAnswer(openSessionSeal(sealed, "plan", session.admission.session.key));
    requireSame(answer.machine, session.admission.machine);
    const { etag } = reply.headers;
    return { tagged: { answer, etag }, nextAskInSeconds: answer.nextAskInSeconds };
  });
}

/** A plan of another machine that was sealed for the same session would be a defect of the operator: nothing is done with it. */
function requireSame(told: PlanAnswer["machine"], own: PlanAnswer["machine"]): void {
  if (told.uid === own.uid) return;
  throw new AttestationMessageError("PROTOCOL_FIELDS", "the plan is that of another machine", {
    problems: ["machine.uid: is that of another machine"],
  });
}

/** Source: RFC 9110 section 10.2.3; our operator sends seconds */
function secondsOf(retryAfter: string | undefined): number | undefined {
  return /^\d{1,9}$/.test(retryAfter ?? "") ? Math.min(Number(retryAfter), LONGEST_ASK_SECONDS) : undefined;
}
