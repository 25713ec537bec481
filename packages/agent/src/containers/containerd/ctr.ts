/** Calls of ctr with the node's socket and namespace. */
import type { runTool, ToolCall, ToolOutcome } from "../io/run-tool.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { toolFailure } from "../tool-failure.ts";

/** For what only asks or changes a record; on a node whose disk is busy even that takes seconds. */
export const QUICK_TIMEOUT_MS = 60_000;
/** For what unpacks, mounts or starts. */
export const SLOW_TIMEOUT_MS = 600_000;

export interface CtrCallOptions extends Partial<Pick<ToolCall, "timeoutMs" | "signal" | "maxOutputBytes">> {
  /** Words for an error. */
  readonly what: string;
}

export interface Ctr {
  /** How it ended, whatever that was. */
  readonly outcome: (args: readonly string[], options: CtrCallOptions) => Promise<ToolOutcome>;
  /** @returns stdout. @throws ContainerError where it did not go well */
  readonly text: (args: readonly string[], options: CtrCallOptions) => Promise<string>;
}

export function ctrOf(runtime: ContainerRuntime, run: typeof runTool): Ctr {
  const [program, ...first] = runtime.program;
  const place = [
    ...(runtime.socket === undefined ? [] : ["--address", runtime.socket]),
    ...(runtime.namespace === undefined ? [] : ["--namespace", runtime.namespace]),
  ];
  const outcome: Ctr["outcome"] = (args, { timeoutMs = QUICK_TIMEOUT_MS, signal, maxOutputBytes }) =>
    run({
      program,
      args: [...first, ...place, ...args],
      timeoutMs,
      signal,
      ...(maxOutputBytes === undefined ? {} : { maxOutputBytes }),
    });
  return {
    outcome,
    async text(args, options) {
      const ended = await outcome(args, options);
      if (ended.kind === "ok") return ended.stdout.toString("utf8");
      throw toolFailure(options.what, ended);
    },
  };
}
