/** Runs a container to its end: never two of a name at a time, also across restarts of this program. */
import { isCodedError } from "@rancheros/protocol/errors";

import { checkContainerSpec, type ContainerSpec } from "./container-spec.ts";
import type { StartOutcome } from "./driver.ts";
import { awaitEarlierCalls } from "./earlier-calls.ts";
import { ContainerError } from "./errors.ts";
import { dropAllButResult, keepResult, type KeptResult } from "./kept-result.ts";
import { MANAGED_LABEL, MANAGER } from "./mark.ts";
import { createOutputLines, type OutputEvent, type OutputLines } from "./output-lines.ts";
import { FIRST_LOOK_MS, LONGEST_LOOK_MS, type RunOutside } from "./run-outside.ts";
import { endContainer, RUN_LABEL, settleLeftover, takeExitCode } from "./settle-leftover.ts";

export interface RunOptions {
  readonly spec: ContainerSpec;
  /** From the start of the watching; a container that is taken over gets it anew. */
  readonly deadlineMs: number;
  /** From SIGTERM to SIGKILL, on abort or deadline. */
  readonly graceMs?: number;
  /** Ends the container. */
  readonly signal: AbortSignal;
  /** Ends the watching only: the container goes on, for the next start of this program to take it over. */
  readonly leave?: AbortSignal;
  /** Until `removeContainer` or another run: who asks again for one that has ended is told how, and it does not run twice. */
  readonly keepsResult?: boolean;
  /** Each line as it comes, without control characters; never more than a bounded part of a flood. */
  readonly onOutput?: (event: OutputEvent) => void;
  /** Lines that the ending tells. */
  readonly keepLines?: number;
}

export type ContainerEnding =
  | ({
      readonly kind: "exited";
      readonly exitCode: number;
    } & EndingFacts)
  /** It is over, and nobody knows how: the node was restarted, or somebody removed it. */
  | ({ readonly kind: "lost" } & EndingFacts)
  | { readonly kind: "left-running" };

interface EndingFacts {
  /** It was there already, started by an earlier agent for the same run. */
  readonly takenOver: boolean;
  readonly lastLines: readonly string[];
  /** Bytes of output that were not made into lines. */
  readonly skippedBytes: number;
}

const DEFAULT_GRACE_MS = 30_000;
const DEFAULT_KEEP_LINES = 100;
/** The output is recorded by another process, which may be a moment late. */
const OUTPUT_PATIENCE_MS = 5_000;
/** While the runtime's service restarts, its containers go on. */
const RUNTIME_PATIENCE_MS = 300_000;
/** For a name that somebody else takes at the same moment. */
const NAME_PATIENCE_MS = 30_000;
const ROUND_DELAY_MS = 200;

/**
 * @throws ContainerError  CONTAINER_DEADLINE, CONTAINER_INTERRUPTED after the container has been ended and removed;
 *         CONTAINER_SPEC_INVALID, CONTAINER_NAME_TAKEN, CONTAINER_IMAGE_MISSING, CONTAINER_COMMAND_MISSING before it ran;
 *         CONTAINER_LEFT_BEHIND where it could not be ended; and what the runtime does
 */
export async function runContainerThrough(outside: RunOutside, options: RunOptions): Promise<ContainerEnding> {
  const { spec, signal, leave } = options;
  checkContainerSpec(spec);
  await awaitEarlierCalls(outside, spec.name, leave === undefined ? signal : AbortSignal.any([signal, leave]));
  try {
    return await startOrTakeOver(outside, options);
  } finally {
    await outside.calls.forget();
  }
}

async function startOrTakeOver(outside: RunOutside, options: RunOptions): Promise<ContainerEnding> {
  const { spec, signal, leave } = options;
  let refused: { readonly why: ContainerError; readonly endMs: number } | undefined;
  for (;;) {
    if (signal.aborted) throw interrupted(spec.name);
    if (leave?.aborted === true) return { kind: "left-running" };
    // Also what a start has made that failed late.
    const left = await settleLeftover(outside, spec, options.graceMs ?? DEFAULT_GRACE_MS);
    if (left.kind === "same-run") return await watch(outside, options, true);
    if (left.kind === "ended") return endingOf(left, { takenOver: true, lastLines: [], skippedBytes: 0 });
    if (refused !== undefined && outside.nowMs() >= refused.endMs) {
      await outside.folder.remove();
      throw refused.why;
    }
    const start = await startAnew(outside, spec);
    if (start.kind === "started") return await watch(outside, options, false);
    // From the end of the first start on, which may have taken minutes.
    refused = { why: start.why, endMs: refused?.endMs ?? outside.nowMs() + NAME_PATIENCE_MS };
    // Another process is making it at this moment, or left a part of it.
    await outside.sleep(ROUND_DELAY_MS, signal);
    if ((await outside.driver.inspect(spec.name)).kind === "absent") await outside.driver.remove(spec.name);
  }
}

async function startAnew(outside: RunOutside, spec: ContainerSpec): Promise<StartOutcome> {
  const { folder, driver } = outside;
  await folder.prepare();
  const env = Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}\n`);
  const envFile = await folder.write("environment", env.join(""));
  const files: { readonly source: string; readonly destination: string }[] = [];
  for (const [at, { destination, content }] of (spec.files ?? []).entries()) {
    files.push({ source: await folder.write(`file.${at}`, content), destination });
  }
  const labels = { ...spec.labels, [MANAGED_LABEL]: MANAGER, [RUN_LABEL]: spec.run };
  try {
    for (const { source } of spec.mounts ?? []) await outside.makeMountSource(source);
    return await driver.start({ spec, labels, folder: folder.path, envFile, files });
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function watch(outside: RunOutside, options: RunOptions, takenOver: boolean): Promise<ContainerEnding> {
  const { driver, folder } = outside;
  const { spec, signal, leave, graceMs = DEFAULT_GRACE_MS } = options;
  const { name } = spec;
  const lines = createOutputLines(options.keepLines ?? DEFAULT_KEEP_LINES, options.onOutput ?? (() => undefined));
  const follower = driver.followOutput(name, folder.path, lines);
  const wake = leave === undefined ? signal : AbortSignal.any([signal, leave]);
  const endMs = outside.nowMs() + options.deadlineMs;
  try {
    const state = await waitWhileRunning(outside, name, { wake, endMs, catchUp: follower.catchUp });
    if (state === "running" && !signal.aborted && leave?.aborted === true) return { kind: "left-running" };
    if (state === "running") await endContainer(outside, name, graceMs);
    // Before the output is read out: only now the runtime lets go of the pipes.
    const exitCode = state === "absent" ? undefined : await takeExitCode(outside, name);
    await readOut(outside, follower);
    lines.end();
    // What was broken off may be asked for again.
    const isKept = options.keepsResult === true && state !== "running";
    await removeEnded(outside, spec, isKept ? { exitCode } : undefined);
    if (state === "running") throw signal.aborted ? interrupted(name, lines) : late(name, options.deadlineMs, lines);
    return endingOf({ exitCode }, { takenOver, lastLines: lines.lastLines(), skippedBytes: lines.skippedBytes() });
  } finally {
    follower.close();
  }
}

async function removeEnded(
  outside: RunOutside,
  { name, run }: ContainerSpec,
  result: KeptResult | undefined,
): Promise<void> {
  if (result !== undefined) await keepResult(outside, run, result);
  await outside.driver.remove(name);
  await (result === undefined ? outside.folder.remove() : dropAllButResult(outside));
}

function endingOf({ exitCode }: KeptResult, facts: EndingFacts): ContainerEnding {
  return exitCode === undefined ? { kind: "lost", ...facts } : { kind: "exited", exitCode, ...facts };
}

interface Waiting {
  readonly wake: AbortSignal;
  readonly endMs: number;
  readonly catchUp: () => Promise<void>;
}

/** @returns "running" when the deadline or the signal came first */
async function waitWhileRunning(
  outside: RunOutside,
  name: string,
  { wake, endMs, catchUp }: Waiting,
): Promise<"running" | "ended" | "absent"> {
  let delayMs = FIRST_LOOK_MS;
  let lastAnswerMs = outside.nowMs();
  for (;;) {
    try {
      const { kind } = await outside.driver.inspect(name);
      lastAnswerMs = outside.nowMs();
      if (kind === "ended") return "ended";
      // Gone: somebody took notice of its end before us.
      if (kind !== "running") return kind === "absent" ? "absent" : "ended";
    } catch (error) {
      const away = isCodedError(error) && error.retry !== "never";
      if (!away || outside.nowMs() - lastAnswerMs > RUNTIME_PATIENCE_MS) throw error;
    }
    await catchUp();
    const leftMs = endMs - outside.nowMs();
    if (wake.aborted || leftMs <= 0) return "running";
    await outside.sleep(Math.min(delayMs, leftMs), wake);
    delayMs = Math.min(delayMs * 1.5, LONGEST_LOOK_MS);
  }
}

async function readOut(
  outside: RunOutside,
  follower: { readonly catchUp: () => Promise<void>; readonly hasEnded: () => Promise<boolean> },
): Promise<void> {
  const never = new AbortController().signal;
  const endMs = outside.nowMs() + OUTPUT_PATIENCE_MS;
  while (!(await follower.hasEnded()) && outside.nowMs() < endMs) await outside.sleep(FIRST_LOOK_MS, never);
  await follower.catchUp();
}

function lastWord(lines: OutputLines | undefined): { readonly details: Readonly<Record<string, string>> } {
  const last = lines?.lastLines().at(-1);
  return { details: last === undefined ? {} : { lastLine: last } };
}

function interrupted(name: string, lines?: OutputLines): ContainerError {
  return new ContainerError("CONTAINER_INTERRUPTED", `the container ${name} was broken off`, lastWord(lines));
}

function late(name: string, deadlineMs: number, lines: OutputLines): ContainerError {
  const message = `the container ${name} did not end within ${Math.round(deadlineMs / 1000)} s`;
  return new ContainerError("CONTAINER_DEADLINE", message, lastWord(lines));
}
