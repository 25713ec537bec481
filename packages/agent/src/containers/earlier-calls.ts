/** What an agent that was killed had begun goes on without it: nothing is judged before that has ended. */
import { ContainerError } from "./errors.ts";
import { FIRST_LOOK_MS, LONGEST_LOOK_MS, type RunOutside } from "./run-outside.ts";

/** As long as the agent itself would have waited for its slowest call. */
const EARLIER_CALL_MS = 600_000;
const KILL_PATIENCE_MS = 60_000;

/**
 * Waits until no call of an earlier agent about this container is under way; one that does not end is ended.
 * @param signal  ends the waiting
 * @throws ContainerError CONTAINER_LEFT_BEHIND
 */
export async function awaitEarlierCalls(outside: RunOutside, name: string, signal: AbortSignal): Promise<void> {
  const { calls, nowMs, sleep } = outside;
  const begunMs = nowMs();
  for (let delayMs = FIRST_LOOK_MS; !signal.aborted; delayMs = Math.min(delayMs * 1.5, LONGEST_LOOK_MS)) {
    const pids = await calls.ofOthers();
    if (pids.length === 0) return;
    const waitedMs = nowMs() - begunMs;
    if (waitedMs >= EARLIER_CALL_MS) calls.kill(pids);
    if (waitedMs >= EARLIER_CALL_MS + KILL_PATIENCE_MS) {
      const message = `a call about the container ${name} that an earlier agent began does not end (process ${pids.join(", ")})`;
      throw new ContainerError("CONTAINER_LEFT_BEHIND", message, { details: { container: name } });
    }
    await sleep(delayMs, signal);
  }
}
