/** A program that does nothing by itself, and tells what is done to it. */
import type { ProgramEnding } from "../../../src/programs/index.ts";

export const EXITED: ProgramEnding = { kind: "exited", exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

export function stuckProgram() {
  const done: string[] = [];
  const { promise: ending, resolve } = Promise.withResolvers<ProgramEnding>();
  const running = {
    ending,
    kill: (signal: string) => void done.push(signal),
    abandon: () => void done.push("abandoned"),
  };
  return { done, running, end: () => resolve(EXITED) };
}
