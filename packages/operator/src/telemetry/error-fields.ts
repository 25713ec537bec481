/** What a log line says of an error: its code and its sentence, never what it carries. */
import { isCodedError } from "@rancheros/protocol/errors";

export function errorFields(error: unknown): { readonly reason: string; readonly error: string } {
  if (isCodedError(error)) return { reason: error.code, error: error.message };
  return { reason: "INTERNAL", error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

/** What to do about it, where the code's table says so. */
export function hintOf(error: unknown): string | undefined {
  return isCodedError(error) ? error.mend : undefined;
}
