/** Runs checks side by side: each with its own deadline, none before what it needs, and none because of something that is no fault. */
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";

import { CHECK_NAMES, CHECKS, type CheckName } from "./check-names.ts";
import { DoctorError } from "./errors.ts";
import { unsettled, type DoctorReport, type Finding, type Verdict } from "./verdict.ts";

/** What a check leaves for those that need it. */
export type Found<T> =
  | { readonly kind: "found"; readonly value: T }
  /** For the sentence of whoever needs it: "the TPM check failed". */
  | { readonly kind: "missing"; readonly because: string };

/** A check that is made when somebody asks for it first, and once. */
export interface Source<T> {
  find(): Promise<Found<T>>;
}

export interface CheckWork<N, T> {
  readonly needs: Source<N>;
  /** @param signal  given when the check's time is over; what comes afterwards is not heard */
  readonly run: (needed: N, signal: AbortSignal) => Promise<Verdict<T>>;
  /** In place of DOCTOR_TIMED_OUT, where the domain has a better word. */
  readonly late?: (limitMs: number) => Verdict<T> | CodedError;
}

export interface CheckupOptions {
  /** For everything together. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

export interface Checkup {
  add<N, T>(name: CheckName, work: CheckWork<N, T>): Source<T>;
  /**
   * Makes the checks of these names, and those that they need.
   * @throws DoctorError DOCTOR_INTERRUPTED
   */
  run(names: readonly CheckName[]): Promise<DoctorReport>;
}

/** For checks that need nothing. */
export const NOTHING: Source<undefined> = { find: () => Promise.resolve({ kind: "found", value: undefined }) };

/** @returns what has both, missing with the first reason where one is missing */
export function both<A, B>(one: Source<A>, other: Source<B>): Source<readonly [A, B]> {
  return {
    async find() {
      const [left, right] = await Promise.all([one.find(), other.find()]);
      if (left.kind === "missing") return left;
      return right.kind === "missing" ? right : { kind: "found", value: [left.value, right.value] };
    },
  };
}

/** @returns the same, also where it is missing: then undefined. For what a check can do without. */
export function ifFound<T>(source: Source<T>): Source<T | undefined> {
  return {
    async find() {
      const found = await source.find();
      return { kind: "found", value: found.kind === "found" ? found.value : undefined };
    },
  };
}

/** @returns the same check, with another value for who needs it */
export function mapped<A, B>(source: Source<A>, change: (value: A) => B): Source<B> {
  return {
    async find() {
      const found = await source.find();
      return found.kind === "found" ? { kind: "found", value: change(found.value) } : found;
    },
  };
}

export function createCheckup({ limitMs, signal, nowMs }: CheckupOptions): Checkup {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const startedMs = nowMs();
  const findings = new Map<CheckName, Finding>();
  const errors = new Map<CheckName, { readonly kind: "fail" | "warn"; readonly error: CodedError }>();
  const sources = new Map<CheckName, Source<unknown>>();

  async function make<N, T>(name: CheckName, work: CheckWork<N, T>): Promise<Found<T>> {
    const needed = await work.needs.find();
    const beganMs = nowMs();
    const note = (rest: Pick<Finding, "outcome" | "sentence"> & { readonly error?: CodedError }): void => {
      const { outcome, sentence, error } = rest;
      const durationMs = Math.max(0, Math.round(nowMs() - beganMs));
      const { code, mend, details = {} } = error ?? {};
      findings.set(name, { check: name, outcome, sentence, code, mend, details, durationMs });
      if (error !== undefined) errors.set(name, { kind: outcome === "warn" ? "warn" : "fail", error });
    };
    if (needed.kind === "missing") {
      note({ outcome: "skipped", sentence: `because ${needed.because}` });
      return needed;
    }
    const fail = (error: CodedError): Found<T> => {
      note({ outcome: "fail", sentence: error.message, error });
      return { kind: "missing", because: `the check of ${CHECKS[name].title} failed` };
    };
    let verdict: Verdict<T>;
    try {
      verdict = await inTime(name, work, needed.value);
    } catch (error) {
      return fail(isCodedError(error) ? error : defectOf(name, error));
    }
    if (verdict.kind === "skipped") {
      note({ outcome: "skipped", sentence: `because ${verdict.because}` });
      return { kind: "missing", because: verdict.because };
    }
    if (verdict.kind === "ok") note({ outcome: "ok", sentence: verdict.sentence });
    else note({ outcome: "warn", sentence: verdict.problem.message, error: verdict.problem });
    return verdict.kind === "unsettled"
      ? { kind: "missing", because: `the check of ${CHECKS[name].title} came to no end` }
      : { kind: "found", value: verdict.value };
  }

  async function inTime<N, T>(name: CheckName, work: CheckWork<N, T>, needed: N): Promise<Verdict<T>> {
    const { limitMs: ownLimitMs } = CHECKS[name];
    const leftMs = Math.max(0, limitMs - (nowMs() - startedMs));
    const isLeftLittle = leftMs < ownLimitMs && work.needs !== NOTHING;
    const own = new AbortController();
    // Holds the process, as a timer of AbortSignal does not: what hangs may be nothing that Node counts as work.
    const timer = setTimeout(() => own.abort(), ownLimitMs);
    const over = AbortSignal.any([ended, own.signal]);
    const isOver = Promise.withResolvers<"over">();
    const end = (): void => isOver.resolve("over");
    const late = (): Verdict<T> => {
      if (isLeftLittle) return unsettled(noTimeLeft(name, leftMs));
      const verdict = work.late?.(ownLimitMs) ?? timedOut(name, ownLimitMs);
      if (isCodedError(verdict)) throw verdict;
      return verdict;
    };
    try {
      if (over.aborted) return late();
      over.addEventListener("abort", end, { once: true });
      const first = await Promise.race([work.run(needed, over), isOver.promise]);
      return first === "over" ? late() : first;
    } catch (error) {
      // Whoever was broken off tells it in many ways.
      if (over.aborted) return late();
      throw error;
    } finally {
      clearTimeout(timer);
      over.removeEventListener("abort", end);
    }
  }

  function add<N, T>(name: CheckName, work: CheckWork<N, T>): Source<T> {
    let made: Promise<Found<T>> | undefined;
    const source: Source<T> = { find: () => (made ??= make(name, work)) };
    sources.set(name, source);
    return source;
  }

  return {
    add,
    async run(names) {
      await Promise.all(names.map(async (name) => sources.get(name)?.find()));
      if (signal.aborted) throw new DoctorError("DOCTOR_INTERRUPTED", "the checks were broken off");
      const inOrder = CHECK_NAMES.flatMap((name) => findings.get(name) ?? []);
      const first = (kind: "fail" | "warn"): CodedError | undefined =>
        CHECK_NAMES.map((name) => errors.get(name)).find((one) => one?.kind === kind)?.error;
      const failure = first("fail");
      return { ok: failure === undefined, findings: inOrder, failure, warning: first("warn") };
    },
  };
}

function timedOut(name: CheckName, limitMs: number): DoctorError {
  const { title } = CHECKS[name];
  return new DoctorError("DOCTOR_TIMED_OUT", `nothing came of ${title} within ${limitMs / 1000} s`, {
    details: { check: name, limitMs },
  });
}

/** What it needs was slow, which says nothing of what it looks at. */
function noTimeLeft(name: CheckName, leftMs: number): DoctorError {
  const seconds = Math.round(leftMs / 100) / 10;
  const { title } = CHECKS[name];
  const message = `nothing came of ${title} within ${seconds} s: what it needs had taken the time before`;
  return new DoctorError("DOCTOR_NO_TIME_LEFT", message, { details: { check: name } });
}

/** One check that is broken shall not take the others along. */
function defectOf(name: CheckName, cause: unknown): DoctorError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DoctorError("DOCTOR_DEFECT", `the check itself failed: ${why}`, { cause, details: { check: name } });
}
