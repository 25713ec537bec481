/** A folder as a tar file, by GNU tar, with owners, extended attributes and devices: how the live system is copied. */
import { spawn } from "node:child_process";

import { SlotError } from "../errors.ts";

const SAID_CHARACTERS = 600;
/** Some files differed or vanished: it is read-only, so that is no matter of races. Source: tar(1) */
const ARGS = [
  "--create",
  "--format=posix",
  "--numeric-owner",
  "--xattrs",
  "--xattrs-include=*",
  "--one-file-system",
  "--no-wildcards",
  "--directory",
] as const;

export interface TarTimes {
  /** So long tar may give nothing while it is waited for: the disk that it reads may have stopped to answer. */
  readonly stallMs: number;
  /** From when it is broken off until it is waited for no longer: who waits in the kernel does not end. */
  readonly killedMs: number;
}

const TIMES: TarTimes = { stallMs: 600_000, killedMs: 60_000 };

/**
 * @throws SlotError SLOT_SOURCE_CORRUPT, SLOT_TOOL_MISSING, SLOT_TOOL_HANGS, SLOT_TOOL_STUCK, SLOT_INTERRUPTED
 */
export async function* folderTar(
  folder: string,
  signal: AbortSignal,
  { stallMs, killedMs }: TarTimes = TIMES,
): AsyncGenerator<Buffer> {
  const child = spawn("tar", [...ARGS, folder, "."], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
  const stop = (): void => {
    child.kill("SIGKILL");
  };
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    const why = `tar was killed, and still waits in the kernel ${killedMs / 1000} s later`;
    // Who has ended, and whose last words nobody reads, is not stuck.
    const isOver = child.exitCode !== null || child.signalCode !== null;
    const failure = isOver ? interrupted() : new SlotError("SLOT_TOOL_STUCK", why);
    child.stdout.destroy(failure);
    reject(failure);
    child.stderr.destroy();
    child.unref();
  };
  const breakOff = (): void => {
    stop();
    clearTimeout(timer);
    timer = setTimeout(giveUp, killedMs);
  };
  let stall: NodeJS.Timeout | undefined;
  let isStalled = false;
  const onStall = (): void => {
    isStalled = true;
    breakOff();
  };
  signal.addEventListener("abort", breakOff, { once: true });
  if (signal.aborted) breakOff();
  process.once("exit", stop);
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-SAID_CHARACTERS);
  });
  child.once("error", (cause) =>
    reject(new SlotError("SLOT_TOOL_MISSING", "tar (Debian: tar) cannot be started", { cause })),
  );
  child.once("close", resolve);
  ended.catch(() => undefined);
  try {
    stall = setTimeout(onStall, stallMs);
    for await (const piece of child.stdout) {
      clearTimeout(stall);
      yield Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
      stall = setTimeout(onStall, stallMs);
    }
    const code = await ended;
    if (signal.aborted) throw interrupted();
    if (isStalled) throw new SlotError("SLOT_TOOL_HANGS", `tar has read nothing of ${folder} for ${stallMs / 1000} s`);
    if (code !== 0)
      throw new SlotError(
        "SLOT_SOURCE_CORRUPT",
        `${folder} cannot be read to its end: ${words.trim() || `tar ended with ${code}`}`,
      );
  } finally {
    clearTimeout(timer);
    clearTimeout(stall);
    signal.removeEventListener("abort", breakOff);
    process.off("exit", stop);
    stop();
  }
}

function interrupted(): SlotError {
  return new SlotError("SLOT_INTERRUPTED", "copying the live system was broken off");
}
