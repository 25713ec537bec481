/** Durations as people and Go write them. */
import { CliError } from "./errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
/** As long as a timer of Node can wait. */
const MAX_MS = 2 ** 31 - 1;

/**
 * @param text  for example 30s, 1m30s, 500ms; a bare number is seconds
 * @param flag  for the error
 * @returns     milliseconds, more than none
 * @throws CliError CLI_USAGE
 */
export function parseDuration(text: string, flag: string): number {
  const whole = /^\d+$/.test(text) ? `${text}s` : text;
  const parts = [...whole.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const totalMs = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ""] ?? 0), 0);
  if (!DURATION.test(whole) || totalMs < 1 || totalMs > MAX_MS) {
    throw new CliError("CLI_USAGE", `--${flag}: ${JSON.stringify(text)} is no duration from 1ms to 24 days`, {
      mend: `Give it as 30s, 5m or 1h30m.`,
    });
  }
  return Math.round(totalMs);
}
