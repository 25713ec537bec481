/** Machines that ask the operator again and again on a connection of their own, and count what went wrong. */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { PROTOCOL_PATH } from "@rancheros/protocol/attestation";

/** As ros-agent waits at most; here shorter, since the test's whole world is. */
const RETRY_MS = 150;
const TRIES = 5;
const REQUEST_TIMEOUT_MS = 5_000;

export interface AskingOptions {
  /** https://HOST:PORT, of whatever stands before the replicas. */
  readonly url: string;
  /** One for each machine. */
  readonly sessionTokens: readonly string[];
  /** Between two requests of one machine, on average. */
  readonly pauseMs: number;
}

export interface AskedTotals {
  readonly answered: number;
  /** Answered after another try. */
  readonly retried: number;
  /** Not answered in five tries: what went wrong each time. */
  readonly lost: readonly string[];
  /** Milliseconds from the first try to the answer, of the slowest. */
  readonly slowestMs: number;
}

export interface ConnectedMachines {
  readonly totals: () => AskedTotals;
  /** Settles when all have had their last answer. */
  stop(): Promise<AskedTotals>;
}

export function connectMachines({ url, sessionTokens, pauseMs }: AskingOptions): ConnectedMachines {
  const over = new AbortController();
  let [answered, retried, slowestMs] = [0, 0, 0];
  const lost: string[] = [];

  async function once(agent: Agent, token: string): Promise<string | undefined> {
    try {
      const { statusCode, body } = await request(`${url}${PROTOCOL_PATH}/machine`, {
        dispatcher: agent,
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await body.text();
      return statusCode === 200 ? undefined : `${statusCode} ${text}`;
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  }

  async function ask(agent: Agent, token: string): Promise<void> {
    const beganMs = performance.now();
    const troubles: string[] = [];
    for (let count = 1; count <= TRIES; count += 1) {
      const trouble = await once(agent, token);
      if (trouble === undefined) {
        answered += 1;
        if (count > 1) retried += 1;
        slowestMs = Math.max(slowestMs, performance.now() - beganMs);
        return;
      }
      troubles.push(trouble);
      await sleep(RETRY_MS * count * (0.5 + Math.random()));
    }
    lost.push(troubles.join(" | "));
  }

  async function live(token: string): Promise<void> {
    const agent = new Agent({ connections: 1, pipelining: 1, connect: { rejectUnauthorized: false } });
    await sleep(pauseMs * Math.random());
    while (!over.signal.aborted) {
      await ask(agent, token);
      await sleep(pauseMs * (0.5 + Math.random()));
    }
    await agent.close();
  }
  const lives = sessionTokens.map(live);
  const totals = (): AskedTotals => ({ answered, retried, lost, slowestMs });

  return {
    totals,
    async stop() {
      over.abort();
      await Promise.all(lives);
      return totals();
    },
  };
}
