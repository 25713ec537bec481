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

const KILLED_MS = 60_000;

/**
 * @param killedMs  from when it is broken off until tar is waited for no longer: who waits in the kernel does not end
 * @throws SlotError SLOT_SOURCE_CORRUPT, SLOT_TOOL_MISSING, SLOT_TOOL_STUCK, SLOT_INTERRUPTED
 */
export async function* folderTar(folder: string, signal: AbortSignal, killedMs = KILLED_MS): AsyncGenerator<Buffer> {
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
    const failure = new SlotError("SLOT_TOOL_STUCK", why);
    child.stdout.destroy(failure);
    reject(failure);
    child.stderr.destroy();
    child.unref();
  };
  const breakOff = (): void => {
    stop();
    timer = setTimeout(giveUp, killedMs);
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
    for await (const piece of child.stdout) yield Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
    const code = await ended;
    if (signal.aborted) throw new SlotError("SLOT_INTERRUPTED", "copying the live system was broken off");
    if (code !== 0)
      throw new SlotError(
        "SLOT_SOURCE_CORRUPT",
        `${folder} cannot be read to its end: ${words.trim() || `tar ended with ${code}`}`,
      );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", breakOff);
    process.off("exit", stop);
    stop();
  }
}
