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

/** @throws SlotError SLOT_SOURCE_CORRUPT, SLOT_TOOL_MISSING */
export async function* folderTar(folder: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const child = spawn("tar", [...ARGS, folder, "."], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  const stop = (): void => {
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", stop, { once: true });
  process.once("exit", stop);
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-SAID_CHARACTERS);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new SlotError("SLOT_TOOL_MISSING", "tar (Debian: tar) cannot be started", { cause })),
    );
    child.once("close", resolve);
  });
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
    signal.removeEventListener("abort", stop);
    process.off("exit", stop);
    stop();
  }
}
