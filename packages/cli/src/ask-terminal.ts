/** One question to whoever sits at this terminal. */
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { InstallError } from "@rancheros/agent/install";

/**
 * @param signal  SIGTERM, and Ctrl-C where the terminal makes a signal of it
 * @throws InstallError INSTALL_INTERRUPTED; INSTALL_NOT_ASKED at Ctrl-D, or where the terminal has gone
 */
export async function askTerminal(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // While it edits the line, the terminal makes no signal of Ctrl-C.
  const ctrlC = new AbortController();
  lines.once("SIGINT", () => ctrlC.abort());
  const isBrokenOff = AbortSignal.any([signal, ctrlC.signal]);
  const ended = once(lines, "close").then(() => Promise.reject(new Error("the terminal has no more lines")));
  try {
    return await Promise.race([lines.question(question, { signal: isBrokenOff }), ended]);
  } catch (cause) {
    process.stderr.write("\n");
    if (isBrokenOff.aborted) {
      throw new InstallError("INSTALL_INTERRUPTED", "the question was broken off: nothing was done", { cause });
    }
    throw new InstallError("INSTALL_NOT_ASKED", "the terminal ended before there was an answer", { cause });
  } finally {
    lines.close();
  }
}
