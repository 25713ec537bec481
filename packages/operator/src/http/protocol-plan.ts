/** What a machine with a session is told to do, and what it says of how far it is. */
import { createHmac } from "node:crypto";
import { PROTOCOL_VERSION, sealForSession, writeSealedAnswer } from "@rancheros/protocol/attestation";
import { readUpgradeStatus, writePlanAnswer, writeStatusAnswer, type PlanAnswer } from "@rancheros/protocol/upgrade";
import type { Answer } from "./answer.ts";
import type { ProtocolParts, Trace } from "./protocol-parts.ts";
import { jsonAnswer } from "./protocol-refusal.ts";
import { inSession } from "./protocol-session.ts";

const IV_BYTES = 12;

/** Names the content of an answer without giving a hint at it: a plan may hold secrets that are easy to guess. */
function entityTag(key: Buffer, answer: Omit<PlanAnswer, "nextAskInSeconds">): string {
  return `"${createHmac("sha256", key).update(JSON.stringify(answer)).digest("base64url")}"`;
}

/** RFC 9110 section 13.1.2, weak comparison; the star is no tag of ours. */
function isNamed(tag: string, ifNoneMatch: string | undefined): boolean {
  return (ifNoneMatch ?? "").split(",").some((one) => one.trim().replace(/^W\//, "") === tag);
}

/**
 * GET plan
 * @param ifNoneMatch  the header of that name
 */
export async function showPlan(
  parts: ProtocolParts,
  authorization: string | undefined,
  ifNoneMatch: string | undefined,
  trace: Trace,
): Promise<Answer> {
  return inSession(parts, authorization, trace, async ({ entry, sealKey }) => {
    parts.pace.takeAsk(entry.metadata.uid);
    const { namespace, name, uid } = entry.metadata;
    const asked =
      entry.approval === "Approved"
        ? await parts.rollouts.ask(entry)
        : {
            plan: undefined,
            waiting: { reason: "NotApproved", message: "the machine waits until spec.approval is Approved" } as const,
            nextAskInSeconds: 60,
          };
    const { plan, waiting, nextAskInSeconds } = asked;
    const content = { protocol: PROTOCOL_VERSION, machine: { namespace, name, uid }, plan, waiting };
    const etag = entityTag(parts.keys.sealing().session, content);
    const headers = { etag, "retry-after": String(nextAskInSeconds) };
    if (isNamed(etag, ifNoneMatch)) return jsonAnswer(304, Buffer.alloc(0), headers);
    const plain = writePlanAnswer({ ...content, nextAskInSeconds });
    const sealed = sealForSession(plain, "plan", sealKey, parts.random(IV_BYTES));
    return jsonAnswer(200, writeSealedAnswer({ protocol: PROTOCOL_VERSION, sealed }), headers);
  });
}

/** PUT status */
export async function takeStatus(
  parts: ProtocolParts,
  authorization: string | undefined,
  body: Buffer,
  trace: Trace,
): Promise<Answer> {
  return inSession(parts, authorization, trace, async ({ entry }) => {
    parts.pace.takeWord(entry.metadata.uid);
    const word = readUpgradeStatus(body);
    const { holdsSlot, nextStatusInSeconds, heardEveryMs } = await parts.rollouts.told(entry, word);
    await parts.records.upgrade(entry, word, heardEveryMs);
    return jsonAnswer(200, writeStatusAnswer({ protocol: PROTOCOL_VERSION, holdsSlot, nextStatusInSeconds }));
  });
}
