/** What a machine with a session asks and says about its upgrade. */
import { openSessionSeal, readSealedAnswer, type Admission } from "@rancheros/protocol/attestation";
import {
  readPlanAnswer,
  readStatusAnswer,
  writeUpgradeStatus,
  type PlanAnswer,
  type StatusAnswer,
  type UpgradeStatus,
} from "@rancheros/protocol/upgrade";
import { Refusal, send, type NextServer } from "./attested-visit.ts";

export type Session = Admission["session"];

export interface AskedPlan {
  /** Undefined: nothing has changed since. */
  readonly answer: PlanAnswer | undefined;
  readonly etag: string;
  readonly retryAfterSeconds: number;
}

/** @param etag  of the last answer @throws Refusal */
export async function askPlan(next: NextServer, session: Session, etag?: string): Promise<AskedPlan> {
  const options = { method: "GET", token: session.token, ...(etag === undefined ? {} : { ifNoneMatch: etag }) };
  const reply = await send(next(), "plan", undefined, options);
  const common = {
    etag: reply.headers.get("etag") ?? "",
    retryAfterSeconds: Number(reply.headers.get("retry-after")),
  };
  if (reply.status === 304) return { answer: undefined, ...common };
  if (reply.status !== 200) throw new Refusal(reply);
  const { sealed } = readSealedAnswer(reply.body);
  return { answer: readPlanAnswer(openSessionSeal(sealed, "plan", session.key)), ...common };
}

/** @throws Refusal */
export async function tellStatus(next: NextServer, session: Session, status: UpgradeStatus): Promise<StatusAnswer> {
  const reply = await send(next(), "status", writeUpgradeStatus(status), { method: "PUT", token: session.token });
  if (reply.status !== 200) throw new Refusal(reply);
  return readStatusAnswer(reply.body);
}
