/** Both programs reach servers that have several addresses, over slow links too. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { CACERTS_TIMEOUT_MS } from "../../packages/agent/src/registration/establish-trust.ts";
import { AGENT_SOURCES } from "../machine/agent-program.ts";

const OPERATOR = path.resolve(import.meta.dirname, "../../packages/operator/src/main.ts");
/** Asked at the end, of the process itself. */
const PRELOAD = `
  import { getDefaultAutoSelectFamilyAttemptTimeout as attemptMs } from "node:net";
  process.once("exit", () => process.stderr.write("\\nattempt " + attemptMs() + "\\n"));
`;
/** TCP sends its first packet again after a second (RFC 6298, 2.1). */
const ONE_LOST_PACKET_MS = 1_000;

async function attemptMsOf(...args: readonly string[]): Promise<number> {
  const options = `--import=data:text/javascript,${encodeURIComponent(PRELOAD)}`;
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], NODE_OPTIONS: options };
  const failed = promisify(execFile)(process.execPath, args, { env, timeout: 50_000 });
  const stderr: unknown = await failed.then(
    (ended) => ended.stderr,
    (error: unknown) => (error instanceof Error && "stderr" in error ? error.stderr : ""),
  );
  return Number(/^attempt (\d+)$/m.exec(String(stderr))?.[1]);
}

it.each([
  ["the agent", AGENT_SOURCES, "get-tpm-hash", "--tcti", "swtpm:host=127.0.0.1,port=1"],
  ["the operator", OPERATOR, "run", "--kubeconfig=/nonexistent"],
])(
  "%s leaves each address the time in which a lost packet is sent again, and a second one its turn",
  async (_who, ...args) => {
    const attemptMs = await attemptMsOf(...args);
    expect(attemptMs).toBeGreaterThan(ONE_LOST_PACKET_MS);
    expect(2 * attemptMs).toBeLessThan(CACERTS_TIMEOUT_MS);
  },
);
