/** How a check went, while it is being made and as it is told. */
import type { CodedError } from "@rancheros/protocol/errors";

import type { CheckName } from "./check-names.ts";

/** What a check finds. It fails by throwing a CodedError. */
export type Verdict<T> =
  | { readonly kind: "ok"; readonly sentence: string; readonly value: T }
  /** It works, and somebody should look. */
  | { readonly kind: "warn"; readonly problem: CodedError; readonly value: T }
  /** As a warning, and nobody can build on it. */
  | { readonly kind: "unsettled"; readonly problem: CodedError }
  /** There is nothing to check on this machine. */
  | { readonly kind: "skipped"; readonly because: string };

export type Outcome = "ok" | "warn" | "fail" | "skipped";

/** One line of the report. */
export interface Finding {
  readonly check: CheckName;
  readonly outcome: Outcome;
  /** What was found; with "skipped" why nothing was looked for. */
  readonly sentence: string;
  /** With "warn" and "fail": of docs/errors.md, and what to do. */
  readonly code: string | undefined;
  readonly mend: string | undefined;
  readonly details: CodedError["details"];
  readonly durationMs: number;
}

export interface DoctorReport {
  /** Nothing failed; there may be warnings. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** Of the first check that failed. */
  readonly failure: CodedError | undefined;
  /** Of the first check that warned. */
  readonly warning: CodedError | undefined;
}

export function ok(sentence: string): Verdict<undefined>;
export function ok<T>(sentence: string, value: T): Verdict<T>;
export function ok<T>(sentence: string, value?: T): Verdict<T | undefined> {
  return { kind: "ok", sentence, value };
}

export function warn(problem: CodedError): Verdict<undefined>;
export function warn<T>(problem: CodedError, value: T): Verdict<T>;
export function warn<T>(problem: CodedError, value?: T): Verdict<T | undefined> {
  return { kind: "warn", problem, value };
}

export function unsettled(problem: CodedError): Verdict<never> {
  return { kind: "unsettled", problem };
}

export function skipped(because: string): Verdict<never> {
  return { kind: "skipped", because };
}
