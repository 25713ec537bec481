/** A person at a terminal: a real one, as script(1) makes it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { agentProgram } from "../../../../test/machine/agent-program.ts";

const DEADLINE_MS = 50_000;
/** Tells the terminal's settings when the program has ended. */
const AROUND = `sh -c 'echo $$ >"$PID_FILE"; exec "$@"' sh "$@"; code=$?; echo; stty -a; exit $code`;

export interface AtTerminal {
  readonly code: number | null;
  /** Everything that stood on it. */
  readonly shown: string;
  /** Whether it is as a shell wants it: it shows what is typed, and makes a signal of Ctrl-C. */
  readonly isRestored: boolean;
}

/**
 * @param question  waited for
 * @param answer    typed then, or a signal that the program gets
 */
export async function atTerminal(
  args: readonly string[],
  question: string,
  answer: { readonly typed: string } | { readonly signal: NodeJS.Signals },
): Promise<AtTerminal> {
  const folder = mkdtempSync(join(tmpdir(), "terminal-"));
  const pidFile = join(folder, "pid");
  const command = ["sh", "-c", AROUND, "sh", process.execPath, agentProgram(), ...args].map(quoted).join(" ");
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { ...process.env, PID_FILE: pidFile, SHELL: "/bin/sh" },
    stdio: ["pipe", "pipe", "inherit"],
    timeout: DEADLINE_MS,
  });
  let shown = "";
  let isAnswered = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    if (isAnswered || !shown.includes(question)) return;
    isAnswered = true;
    if ("typed" in answer) child.stdin.write(answer.typed);
    else process.kill(Number(readFileSync(pidFile, "utf8")), answer.signal);
  });
  try {
    await once(child, "close");
  } finally {
    rmSync(folder, { recursive: true });
  }
  const isRestored = ["isig", "icanon", "echo"].every((set) => new RegExp(`(?:^|\\s)${set}\\s`).test(shown));
  return { code: child.exitCode, shown, isRestored };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
