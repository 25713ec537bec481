/** How an error is told: to people as sentences, to programs as JSON. */
import { inspect } from "node:util";
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";

import { CliError } from "./errors.ts";
import { hideTokens } from "./hide-tokens.ts";

/** Whatever was thrown, as an error with a code. */
export function codedError(thrown: unknown): CodedError {
  if (isCodedError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CliError("CLI_DEFECT", `unexpected: ${message}`, { cause: thrown });
}

/** @param withStack  for DEBUG: everything that is known, causes included */
export function describeError(error: CodedError, { withStack }: { readonly withStack: boolean }): string {
  const lines = [`Error: ${error.message} (${error.code})`, error.mend];
  if (withStack) lines.push(inspect(error));
  return `${hideTokens(lines.join("\n"))}\n`;
}

export interface ErrorJson {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly mend: string;
    /** "never", "backoff" or {"afterMs": milliseconds} */
    readonly retry: CodedError["retry"];
    readonly details: CodedError["details"];
  };
}

export function errorJson(error: CodedError): ErrorJson {
  const { code, retry, details } = error;
  return { error: { code, message: hideTokens(error.message), mend: error.mend, retry, details } };
}
