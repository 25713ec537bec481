/** How an error is told to a machine: as an HTTP answer before the upgrade, as a close frame after it. */
import { isCodedError } from "@rancheros/protocol/errors";
import type { KubernetesErrorCode } from "../controller/index.ts";
import { sentence, type Answer } from "./answer.ts";

/** RFC 6455 section 7.4.1: policy violation, internal error, try again later. */
const CLOSE = { refused: 1008, internal: 1011, later: 1013 } as const;
/** A close frame's reason has at most this many bytes (RFC 6455 section 5.5, less the two of the code). */
const REASON_LIMIT_BYTES = 123;
const RETRY_AFTER_SECONDS = 10;

export interface Refusal {
  readonly answer: Answer;
  readonly close: { readonly code: number; readonly reason: string };
}

/** What an administrator must do something about: the person at the machine has to read the sentence. */
const FOR_PEOPLE = new Set([
  "CLUSTER_NOT_ASSIGNED",
  "EK_CERTIFICATE_CHANGED",
  "CLUSTER_TOKEN_NOT_ASSIGNED",
  "SERVER_URL_NOT_SET",
  "MACHINE_NOT_APPROVED",
  "INVENTORY_UNREADABLE",
  "REGISTRATION_UNREADABLE",
]);

/**
 * The answer to an upgrade request that is refused. rancherd shows nobody the body of a 503 there, so what people must
 * read is a 401, with the Retry-After that tells programs to come back.
 */
export function upgradeRefusal(error: unknown): Answer {
  const { answer } = refusalOf(error);
  return isCodedError(error) && FOR_PEOPLE.has(error.code) ? { ...answer, status: 401 } : answer;
}

function cutToBytes(text: string, limit: number): string {
  let cut = text.slice(0, limit);
  while (Buffer.byteLength(cut) > limit) cut = cut.slice(0, -1);
  return cut;
}

const CANNOT_REACH: ReadonlySet<string> = new Set([
  "KUBERNETES_UNREACHABLE",
  "KUBERNETES_TIMEOUT",
  "KUBERNETES_NO_FILE_LEFT",
] satisfies KubernetesErrorCode[]);

/** What went wrong between the operator and its API server is nothing that a machine should read. */
function oursText(code: string): string {
  if (CANNOT_REACH.has(code)) {
    return "the operator cannot reach its API server, try again";
  }
  return "the API server does not take what the operator asks of it; the operator's log says why; try again";
}

/**
 * rancherd shows the body of a 401 and of no other answer: what is refused for good is a 401 here, with a sentence.
 * What may go well later is a 503 with Retry-After.
 */
export function refusalOf(error: unknown): Refusal {
  if (!isCodedError(error)) {
    const text = "internal error of the operator; its log says more";
    return { answer: sentence(500, text), close: { code: CLOSE.internal, reason: text } };
  }
  const ours = error.code.startsWith("KUBERNETES_");
  const text = ours ? oursText(error.code) : error.message;
  const later = ours || error.retry !== "never";
  const reason = cutToBytes(text, REASON_LIMIT_BYTES);
  // What is to come again at a time of its own says when.
  const seconds =
    !ours && typeof error.retry === "object" ? Math.ceil(error.retry.afterMs / 1000) : RETRY_AFTER_SECONDS;
  if (error.code === "REGISTRATION_RATE") {
    return {
      answer: sentence(429, text, { "retry-after": String(seconds) }),
      close: { code: CLOSE.later, reason },
    };
  }
  return later
    ? {
        answer: sentence(503, text, { "retry-after": String(seconds) }),
        close: { code: CLOSE.later, reason },
      }
    : { answer: sentence(401, text), close: { code: CLOSE.refused, reason } };
}
