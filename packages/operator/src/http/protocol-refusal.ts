/** How an error is told to a machine in the attestation protocol: a status, a code, a sentence, and when to come back. */
import { writeProtocolRefusal } from "@rancheros/protocol/attestation";
import { isCodedError, type Retry } from "@rancheros/protocol/errors";
import type { Answer } from "./answer.ts";
import { refusalOf } from "./refusal.ts";

/** Statuses that do not follow from the error's class. */
const STATUS: Readonly<Record<string, number>> = {
  AUTHORIZATION_MISSING: 401,
  SESSION_INVALID: 401,
  SESSION_EXPIRED: 401,
  ENDPOINT_UNKNOWN: 404,
  EK_CERTIFICATE_CHANGED: 403,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_SLOW: 408,
  REQUEST_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  SESSION_TOO_MANY: 429,
  SESSION_RATE: 429,
  REGISTRATION_RATE: 429,
  CHALLENGE_RATE: 429,
};
/** What goes well when the machine begins again, at once: 403 and not 503, since it is the machine's request that fails. */
const BEGIN_AGAIN = new Set(["NONCE_INVALID", "NONCE_EXPIRED", "STATE_INVALID", "CHALLENGE_EXPIRED", "CHALLENGE_USED"]);
const BEGIN_AGAIN_SECONDS = 1;
const RETRY_AFTER_SECONDS = 10;

function laterSeconds(retry: Retry): number {
  return typeof retry === "object" ? Math.ceil(retry.afterMs / 1000) : RETRY_AFTER_SECONDS;
}
/** What readProtocolRefusal takes. */
const MESSAGE_MAX = 1_000;

export function jsonAnswer(status: number, body: Buffer, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    body: body.toString(),
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  };
}

function statusOf(code: string, failure: string, isLater: boolean): number {
  const known = STATUS[code];
  if (known !== undefined) return known;
  if (BEGIN_AGAIN.has(code)) return 403;
  if (isLater) return 503;
  return failure === "nonsense" ? 400 : 403;
}

export function protocolRefusal(error: unknown): Answer {
  const text = refusalOf(error).answer.body.trim().slice(0, MESSAGE_MAX).toWellFormed();
  if (!isCodedError(error)) {
    return jsonAnswer(500, writeProtocolRefusal({ code: "INTERNAL", message: text, retryAfterSeconds: undefined }));
  }
  const { code, failure, retry } = error;
  const isOurs = code.startsWith("KUBERNETES_");
  const isLater = isOurs || retry !== "never";
  const retryAfterSeconds = !isLater ? undefined : BEGIN_AGAIN.has(code) ? BEGIN_AGAIN_SECONDS : laterSeconds(retry);
  return jsonAnswer(
    statusOf(code, failure, isLater),
    writeProtocolRefusal({ code, message: text, retryAfterSeconds }),
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  );
}
