import type { Verdict } from "../../../src/doctor/verdict.ts";

/** As `warn CODE: sentence`. */
export function told(judge: () => Verdict<unknown>): string {
  try {
    const verdict = judge();
    if (verdict.kind === "ok") return `ok: ${verdict.sentence}`;
    if (verdict.kind === "skipped") return `skipped: ${verdict.because}`;
    return `warn ${verdict.problem.code}: ${verdict.problem.message}`;
  } catch (error) {
    if (error instanceof Error && "code" in error) return `fail ${String(error.code)}: ${error.message}`;
    throw error;
  }
}
