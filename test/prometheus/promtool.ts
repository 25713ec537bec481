/** The real promtool, as scripts/promtool-binary finds it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/promtool-binary", import.meta.url));
/** The first time it is fetched. */
const FETCH_TIMEOUT_MS = 10 * 60_000;
const TIMEOUT_MS = 60_000;

let found: Promise<string> | undefined;

async function find(): Promise<string> {
  const script = spawn(SCRIPT, { stdio: ["ignore", "pipe", "inherit"], timeout: FETCH_TIMEOUT_MS });
  const [program] = await Promise.all([text(script.stdout), once(script, "close")]);
  if (script.exitCode !== 0) throw new Error("scripts/promtool-binary failed: its reason is above");
  return program.trim();
}

/** @returns whether it says that all is well, and all that it says */
export async function promtool(...args: readonly string[]): Promise<{ readonly ok: boolean; readonly said: string }> {
  const child = spawn(await (found ??= find()), args, { stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT_MS });
  const [output, trouble] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { ok: child.exitCode === 0, said: output + trouble };
}
