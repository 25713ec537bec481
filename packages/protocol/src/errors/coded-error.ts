/** The base of every error that this project throws: a code from a closed table, the cause, and what to do about it. */

/** Whether trying the same thing again can help, and when. */
export type Retry = "never" | "backoff" | { readonly afterMs: number };

/**
 * What went wrong, seen from the caller. The four kinds of trouble with the outside never mix: it could not be reached,
 * it refused, it answered nonsense, or we gave up waiting. `busy` is another process of this machine at the same work.
 */
export type FailureClass =
  | "usage"
  | "environment"
  | "tpm"
  | "unreachable"
  | "refused"
  | "nonsense"
  | "timeout"
  | "busy"
  | "interrupted"
  | "internal";

/** One row of a domain's error table: the documentation in docs/errors.md is generated from it. */
export interface ErrorKind {
  readonly failure: FailureClass;
  readonly retry: Retry;
  /** What the code means, one sentence. */
  readonly meaning: string;
  /** What a tired person should do, one sentence. */
  readonly mend: string;
}

export type ErrorTable<Code extends string> = Readonly<Record<Code, ErrorKind>>;

export interface CodedErrorOptions {
  readonly cause?: unknown;
  /** Facts for the log and for `--json`; never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /** Overrides the table's sentence where the place knows better (a package name, a path). */
  readonly mend?: string;
  /** Overrides the table's retry class, for example with the server's Retry-After. */
  readonly retry?: Retry;
}

/**
 * Thrown by this project's own code.
 * @typeParam Code  union of the codes of one domain's table
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly failure: FailureClass;
  readonly retry: Retry;
  readonly mend: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(table: ErrorTable<Code>, code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const kind = table[code];
    this.name = new.target.name;
    this.code = code;
    this.failure = kind.failure;
    this.retry = options.retry ?? kind.retry;
    this.mend = options.mend ?? kind.mend;
    this.details = options.details ?? {};
  }
}
