/** Names that Rancher's controllers make of several parts. */
import { createHash } from "node:crypto";

const LIMIT = 64;
const CUT = 57;

/**
 * The parts joined with dashes; from 64 characters on, cut and given the beginning of a hash.
 * Source: rancher/wrangler pkg/name SafeConcatName
 */
export function safeConcatName(...parts: readonly string[]): string {
  const whole = parts.join("-");
  if (whole.length < LIMIT) return whole;
  const hash = createHash("sha256").update(whole).digest("hex");
  return /[a-z0-9]/.test(whole.charAt(CUT - 1))
    ? `${whole.slice(0, CUT)}-${hash.slice(0, 5)}`
    : `${whole.slice(0, CUT - 1)}-${hash.slice(0, 6)}`;
}
