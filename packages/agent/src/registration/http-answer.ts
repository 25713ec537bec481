/** What a server said in place of the websocket that was asked for. */
import type { Retry } from "@rancheros/protocol/errors";

import { RegistrationError } from "./errors.ts";
import { foreignText } from "./foreign-text.ts";
import type { RegistrationUrl } from "./registration-url.ts";

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Cut at the limit that the request gave. */
  readonly body: Buffer;
}

/** Longer than this a machine should not sleep on a server's word. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

/** Answers that may change by themselves: request timeout, too early, too many requests. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);
/** Server errors that stay. Source: RFC 9110, 15.6.2 and 15.6.6 */
const LASTING: ReadonlySet<number> = new Set([501, 505]);
/** What servers and proxies answer to headers that are too large for them; nginx says 400 in place of its own 494. */
const TOO_LARGE: ReadonlySet<number> = new Set([400, 413, 414, 431, 494]);

/** Whether the same request with less SMBIOS in its headers may succeed. */
export function mayBeTooLarge(answer: HttpAnswer): boolean {
  return TOO_LARGE.has(answer.status);
}

/** Whether the answer may be another one later. */
export function isTemporary({ status, headers }: HttpAnswer): boolean {
  // Our operator says so where it must use a 401, whose text is all that rancherd shows.
  const comeBack = status === 401 && headers["retry-after"] !== undefined;
  return comeBack || TEMPORARY.has(status) || (status >= 500 && !LASTING.has(status));
}

/** The error for an answer that is no websocket. @param nowMs  for Retry-After dates */
export function refusalFromAnswer(answer: HttpAnswer, server: RegistrationUrl, nowMs: number): RegistrationError {
  const { status } = answer;
  const said = foreignText(answer.body.toString("utf8"), server.redact);
  const details = { status };
  if (status < 300) {
    return new RegistrationError("REGISTRATION_NONSENSE", `the server opens no websocket (HTTP ${status})`, {
      details,
    });
  }
  if (status < 400) return redirected(answer, server);
  if (isTemporary(answer)) {
    const retry = retryAfter(answer.headers["retry-after"], nowMs);
    return new RegistrationError("REGISTRATION_TRY_LATER", withText(`the server is not ready (HTTP ${status})`, said), {
      details,
      ...(retry === undefined ? {} : { retry }),
    });
  }
  return new RegistrationError("REGISTRATION_REFUSED", withText(`the server refuses (HTTP ${status})`, said), {
    details,
  });
}

/** A sentence of ours and, where there is one, the other side's. */
export function withText(sentence: string, foreign: string): string {
  return foreign === "" ? sentence : `${sentence}: ${foreign}`;
}

function redirected(answer: HttpAnswer, server: RegistrationUrl): RegistrationError {
  const target = URL.parse(answer.headers["location"] ?? "", server.url);
  const to = target === null ? "nowhere" : foreignText(target.origin, server.redact);
  const details = { status: answer.status, to };
  return new RegistrationError("REGISTRATION_REDIRECTED", `the server redirects to ${to}`, { details });
}

/** RFC 9110 section 10.2.3: seconds or a date. @returns undefined where it is neither */
export function retryAfter(value: string | undefined, nowMs: number): Retry | undefined {
  if (value === undefined) return undefined;
  const afterMs = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(afterMs) ? undefined : { afterMs: Math.min(Math.max(afterMs, 0), MAX_RETRY_AFTER_MS) };
}
