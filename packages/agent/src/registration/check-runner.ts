/** Runs checks that build on each other, and writes down for each how it went. */
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";

import { RegistrationError } from "./errors.ts";

export type CheckName =
  | "smbios"
  | "tpm"
  | "endorsement-key"
  | "ek-certificate"
  | "attestation-key"
  | "url"
  | "trust"
  | "page"
  | "protocol"
  | "challenge"
  | "activation";

/** "warning": a registration may succeed all the same. */
export type CheckOutcome = "ok" | "warning" | "failed" | "not-tried";

export interface CheckStep {
  readonly step: CheckName;
  readonly outcome: CheckOutcome;
  readonly sentence: string;
  /** With "failed": its code and what to do. */
  readonly code?: string;
  readonly mend?: string;
}

export interface CheckReport {
  /** No step failed. */
  readonly ok: boolean;
  readonly steps: readonly CheckStep[];
  /** Of the first step that failed. */
  readonly error: CodedError | undefined;
}

export type CheckResult<T> =
  { readonly value: T; readonly sentence: string } | { readonly value: T; readonly warning: string };

export interface CheckRunner {
  /**
   * Runs one check, unless what it needs is missing because an earlier one failed.
   * @returns the check's value; `undefined` where there is none
   * @throws only what is no CodedError: a defect
   */
  step<Needed, T>(
    name: CheckName,
    needed: Needed | undefined,
    work: (needed: Needed) => Promise<CheckResult<T>>,
  ): Promise<T | undefined>;
  report(): CheckReport;
}

/** @param signal  nothing further is tried when it was given */
export function createCheckRunner(signal: AbortSignal): CheckRunner {
  const steps: CheckStep[] = [];
  let first: CodedError | undefined;

  function fail(step: CheckName, error: CodedError): void {
    first ??= error;
    steps.push({ step, outcome: "failed", sentence: error.message, code: error.code, mend: error.mend });
  }

  return {
    async step(step, needed, work) {
      if (signal.aborted) first ??= new RegistrationError("REGISTRATION_INTERRUPTED", "the check was broken off");
      if (needed === undefined || signal.aborted) {
        steps.push({ step, outcome: "not-tried", sentence: "not tried, because an earlier step is missing" });
        return undefined;
      }
      try {
        const result = await work(needed);
        steps.push(
          "warning" in result
            ? { step, outcome: "warning", sentence: result.warning }
            : { step, outcome: "ok", sentence: result.sentence },
        );
        return result.value;
      } catch (error) {
        if (!isCodedError(error)) throw error;
        fail(step, error);
        return undefined;
      }
    },
    report: () => ({ ok: first === undefined, steps, error: first }),
  };
}
