/** Follows a container's output through the runtime's own program, which prints it until the container ends. */
import { spawn } from "node:child_process";

import type { OutputFollower } from "../driver.ts";
import type { OutputLines } from "../output-lines.ts";
import { toolEnvironment } from "./run-tool.ts";

/** In each period this much is made into lines, and what is more is passed over. */
const PERIOD_MS = 200;
const MAX_BYTES_PER_PERIOD = 64 * 1024;

export function followLogs(program: string, args: readonly string[], lines: OutputLines): OutputFollower {
  const child = spawn(program, [...args], { env: toolEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
  let ended = false;
  let periodEndMs = 0;
  let leftBytes = 0;
  for (const [stream, pipe] of [["stdout", child.stdout] as const, ["stderr", child.stderr] as const]) {
    pipe.on("data", (chunk: Buffer) => {
      const nowMs = performance.now();
      if (nowMs >= periodEndMs) {
        periodEndMs = nowMs + PERIOD_MS;
        leftBytes = MAX_BYTES_PER_PERIOD;
      }
      // Of a chunk that is too much, the end is what may be the last that comes.
      const kept = chunk.subarray(Math.max(0, chunk.length - Math.max(leftBytes, MAX_BYTES_PER_PERIOD / 16)));
      lines.skip(chunk.length - kept.length);
      lines.feed(stream, kept);
      leftBytes -= kept.length;
    });
  }
  const onEnd = (): void => {
    ended = true;
  };
  child.on("close", onEnd).on("error", onEnd);
  return {
    catchUp: () => Promise.resolve(),
    hasEnded: () => Promise.resolve(ended),
    close: () => {
      if (!ended) child.kill("SIGKILL");
    },
  };
}
