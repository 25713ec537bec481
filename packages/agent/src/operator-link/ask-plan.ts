/** GET plan: what the operator wants of this machine, opened with the session's key. */
import {
  AttestationMessageError,
  openSessionSeal,
  readSealedAnswer,
  type Admission,
} from "@rancheros/protocol/attestation";
import { readPlanAnswer, readPlanName, type PlanAnswer } from "@rancheros/protocol/upgrade";

import type { SessionKeeper } from "../registration/index.ts";
import { UnreadablePlan } from "./unreadable-plan.ts";

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
 * @throws RegistrationError, TpmError, AttestationMessageError; UnreadablePlan
 */
export async function askPlan(keeper: SessionKeeper, last: TaggedPlan | undefined): Promise<AskedPlan> {
  return keeper.with(async (session) => {
    const headers = last?.etag === undefined ? {} : { "if-none-match": last.etag };
    const reply = await session.send({ method: "GET", endpoint: "plan", step: "plan", headers });
    if (reply.status === NOT_MODIFIED && last !== undefined) {
      const next = secondsOf(reply.headers["retry-after"]) ?? last.answer.nextAskInSeconds;
      return { tagged: last, nextAskInSeconds: next };
    }
    const answer = readAnswer(reply.body, session.admission);
    const { etag } = reply.headers;
    return { tagged: { answer, etag }, nextAskInSeconds: answer.nextAskInSeconds };
  });
}

/** @throws UnreadablePlan */
function readAnswer(body: Buffer, { session, machine }: Admission): PlanAnswer {
  let plain: Buffer | undefined;
  try {
    plain = openSessionSeal(readSealedAnswer(body).sealed, "plan", session.key);
    const answer = readPlanAnswer(plain);
    requireSame(answer.machine, machine);
    return answer;
  } catch (error) {
    if (!(error instanceof AttestationMessageError)) throw error;
    throw new UnreadablePlan(error, plain === undefined ? undefined : readPlanName(plain, machine.uid));
  }
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
