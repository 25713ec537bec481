/** The TPM tools as this domain uses them: a name and arguments in, bytes out or a TpmError. */

import { TpmError } from "./errors.ts";
import type { ToolOutcome, runTool } from "./io/tool-process.ts";
import type { Tcti } from "./tcti.ts";
import { toolEnvironment } from "./tool-environment.ts";
import { toolFailure } from "./tool-failure.ts";

/** What `--verbose` and the bench listen to. Never carries what a tool printed. */
export type TpmEvent =
  | { readonly kind: "command-started"; readonly program: string; readonly args: readonly string[] }
  | {
      readonly kind: "command-ended";
      readonly program: string;
      readonly durationMs: number;
      readonly outcome: ToolOutcome["kind"];
    }
  | { readonly kind: "left-behind"; readonly error: TpmError }
  /** The TPM makes no RSA keys, so that its P-256 endorsement key was taken. */
  | { readonly kind: "ecc-instead" };

/** One argument, or some that belong together as an option with its value. */
export type ToolArgument = string | readonly string[];

export interface Tpm2 {
  /**
   * A command of well under a second. It is not cut in two: after the signal it may finish, as a tool that is killed can
   * leave its session in the TPM. @throws TpmError
   */
  run(tool: string, ...args: readonly ToolArgument[]): Promise<Uint8Array>;
  /** A command that makes a key, which can take 20 s: broken off at once with the signal. @throws TpmError */
  makeKey(tool: string, ...args: readonly ToolArgument[]): Promise<void>;
  /** A command that takes something out of the TPM again: the signal does not concern it. @throws TpmError */
  cleanUp(tool: string, ...args: readonly ToolArgument[]): Promise<Uint8Array>;
}

export interface Tpm2Options {
  readonly tcti: Tcti;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onEvent?: ((event: TpmEvent) => void) | undefined;
}

/** After the signal, for a command that should have ended long before. */
const QUICK_COMMAND_GRACE_MS = 5_000;
/** Cleaning up may have to wait for a key that the TPM is still making: the slowest known need 20 s. */
const MAX_CLEAN_UP_MS = 30_000;
const CLEAN_UP_ATTEMPTS = 10;

export function createTpm2(execute: typeof runTool, options: Tpm2Options): Tpm2 {
  const { tcti, signal, timeoutMs, onEvent } = options;
  const environment = toolEnvironment(options.environment);

  async function call(
    tool: string,
    groups: readonly ToolArgument[],
    limits: { readonly timeoutMs: number; readonly graceMs: number | "to-the-end" },
  ): Promise<Uint8Array> {
    const program = `tpm2_${tool}`;
    const args = groups.flat();
    onEvent?.({ kind: "command-started", program, args });
    const startedMs = performance.now();
    const outcome = await execute({ program, args: [...args, "-T", tcti.text], environment, signal, ...limits });
    const durationMs = performance.now() - startedMs;
    onEvent?.({ kind: "command-ended", program, durationMs, outcome: outcome.kind });
    if (outcome.kind === "ok") return outcome.stdout;
    throw toolFailure({ program, tcti: tcti.text }, outcome);
  }

  /** The signal may come when a tool has just ended: then nothing further is begun. */
  async function untilInterrupted<T>(work: () => Promise<T>): Promise<T> {
    throwIfInterrupted(signal);
    const result = await work();
    throwIfInterrupted(signal);
    return result;
  }

  return {
    run: (tool, ...args) => untilInterrupted(() => call(tool, args, { timeoutMs, graceMs: QUICK_COMMAND_GRACE_MS })),
    makeKey: async (tool, ...args) => {
      await untilInterrupted(() => call(tool, args, { timeoutMs, graceMs: 0 }));
    },
    async cleanUp(tool, ...args) {
      const limits = { timeoutMs: Math.min(timeoutMs, MAX_CLEAN_UP_MS), graceMs: "to-the-end" } as const;
      for (let attempt = 1; ; attempt++) {
        try {
          return await call(tool, args, limits);
        } catch (error) {
          // A second Ctrl-C hits the new process in the moment before it has left the terminal's group.
          const isHit = error instanceof TpmError && error.code === "TPM_INTERRUPTED";
          if (!isHit || attempt >= CLEAN_UP_ATTEMPTS) throw error;
        }
      }
    },
  };
}

function throwIfInterrupted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new TpmError("TPM_INTERRUPTED", "the work with the TPM was broken off", { cause: signal.reason });
}
