/** What a server answers in the attestation protocol: a message, a refusal, or something of somebody else. */
import { AttestationMessageError, readProtocolRefusal, type ProtocolRefusal } from "@rancheros/protocol/attestation";

import { RegistrationError } from "./errors.ts";
import { foreignText } from "./foreign-text.ts";
import { isTemporary, refusalFromAnswer, retryAfter, withText, type HttpAnswer } from "./http-answer.ts";
import type { RegistrationUrl } from "./registration-url.ts";
import type { RegistrationStep } from "./step.ts";

export interface AnswerContext {
  readonly server: RegistrationUrl;
  readonly step: RegistrationStep;
  /** The first request shows whether the server speaks the protocol at all. */
  readonly isFirst: boolean;
  readonly nowMs: number;
}

const MAX_RETRY_AFTER_SECONDS = 10 * 60;
/** The server's code for a machine that somebody has denied. */
const DENIED = "MACHINE_DENIED";
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * @param read  one of the protocol's readers
 * @throws RegistrationError
 */
export function readProtocolAnswer<Message>(
  answer: HttpAnswer,
  read: (bytes: Buffer) => Message,
  context: AnswerContext,
): Message {
  if (answer.status < 200 || answer.status >= 300) throw refusalOf(answer, context);
  if (context.isFirst && !isJson(answer.body)) throw unknownProtocol(answer.status);
  try {
    return read(answer.body);
  } catch (cause) {
    if (!(cause instanceof AttestationMessageError)) throw cause;
    const message = `the server's answer is not one of the protocol: ${foreignText(cause.message, context.server.redact)}`;
    throw new RegistrationError("REGISTRATION_NONSENSE", message, { cause, details: { step: context.step } });
  }
}

/** The error for an answer that is neither a success nor what else was asked for. */
export function refusalOf(answer: HttpAnswer, context: AnswerContext): RegistrationError {
  const { status } = answer;
  const { server, nowMs } = context;
  const refusal = readRefusal(answer.body);
  if (refusal !== undefined) return ourRefusal(answer, refusal, context);
  const isForeign = context.isFirst && status >= 400 && !isTemporary(answer);
  return isForeign ? unknownProtocol(status) : refusalFromAnswer(answer, server, nowMs);
}

function ourRefusal(answer: HttpAnswer, refusal: ProtocolRefusal, context: AnswerContext): RegistrationError {
  const { server, nowMs, step } = context;
  const { status } = answer;
  const code = CODE.test(refusal.code) ? refusal.code : "";
  const said = foreignText(refusal.message, server.redact);
  const details = { status, serverCode: code, step };
  const { retryAfterSeconds } = refusal;
  if (code === DENIED)
    return new RegistrationError("REGISTRATION_DENIED", said || "the machine was denied", { details });
  if (retryAfterSeconds === undefined && !isTemporary(answer)) {
    return new RegistrationError("REGISTRATION_REFUSED", withText(`the server refuses (${code})`, said), { details });
  }
  const retry =
    retryAfterSeconds === undefined
      ? retryAfter(answer.headers["retry-after"], nowMs)
      : { afterMs: Math.min(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS) * 1000 };
  return new RegistrationError("REGISTRATION_TRY_LATER", withText(`the server is not ready (${code})`, said), {
    details,
    ...(retry === undefined ? {} : { retry }),
  });
}

function unknownProtocol(status: number): RegistrationError {
  const message = `what answers at this address does not speak the attestation protocol (HTTP ${status})`;
  return new RegistrationError("REGISTRATION_PROTOCOL_UNKNOWN", message, { details: { status } });
}

function readRefusal(body: Buffer): ProtocolRefusal | undefined {
  try {
    return readProtocolRefusal(body);
  } catch (error) {
    if (error instanceof AttestationMessageError) return undefined;
    throw error;
  }
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
