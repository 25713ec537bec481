/** What it means that the server closed the websocket before the configuration was there. */
import { RegistrationError } from "./errors.ts";
import { foreignText } from "./foreign-text.ts";
import { withText } from "./http-answer.ts";
import { STEP_WORDS, type RegistrationStep } from "./step.ts";

export interface Closed {
  /** RFC 6455 section 7.4.1; 1005 for a close frame without one, 1006 where there was no close frame. */
  readonly code: number;
  readonly reason: string;
}

/** Going away, internal error, service restart, try again later. */
const TEMPORARY: ReadonlySet<number> = new Set([1001, 1011, 1012, 1013]);
/** Normal closure, no status, no close frame, TLS failure: the code alone says nothing. */
const SILENT: ReadonlySet<number> = new Set([1000, 1005, 1006, 1015]);

/** @param redact  takes secrets out of the reason */
export function refusalFromClose(
  closed: Closed,
  step: RegistrationStep,
  redact: (text: string) => string,
): RegistrationError {
  const { code } = closed;
  const reason = foreignText(closed.reason, redact);
  const details = { closeCode: code, step };
  if (TEMPORARY.has(code)) {
    const sentence = withText(`the server broke off (close code ${code})`, reason);
    return new RegistrationError("REGISTRATION_TRY_LATER", sentence, { details });
  }
  if (SILENT.has(code) && reason === "") {
    const sentence = `the server closed the connection while this machine was ${STEP_WORDS[step]}`;
    return new RegistrationError("REGISTRATION_CLOSED_EARLY", sentence, { details });
  }
  return new RegistrationError("REGISTRATION_REFUSED", withText(`the server refuses (close code ${code})`, reason), {
    details,
  });
}
