/** Asks Prometheus' own code what it would refuse; see main.go. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { buildGoModule } from "../go/build-module.ts";

export interface PrometheusInput {
  /** Path of a rule file. */
  readonly rules?: string;
  readonly expressions?: readonly string[];
  /** A page as /metrics shows it. */
  readonly metrics?: string;
}

const TIMEOUT_MS = 30_000;

/** @returns the problems, one a line; the first call may build the program, for about a minute */
export async function checkPrometheus(input: PrometheusInput): Promise<readonly string[]> {
  const folder = await buildGoModule({
    folder: import.meta.dirname,
    prefix: "prometheus-check-",
    packages: ["."],
    what: "the check by Prometheus' own code",
  });
  const child = spawn(path.join(folder, "prometheus"), [], { stdio: ["pipe", "pipe", "pipe"], timeout: TIMEOUT_MS });
  child.stdin.end(JSON.stringify(input));
  const [output, trouble] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  const lines = output.split("\n").filter((line) => line !== "");
  if (child.exitCode === 0 || (child.exitCode === 1 && lines.length > 0)) return lines;
  throw new Error(`the check ended with ${child.exitCode ?? child.signalCode}: ${trouble}`);
}
