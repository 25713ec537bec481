/** A process that may open few files serves machines, probes and itself, however many connections somebody holds. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, expect, inject, it } from "vitest";
import { visit } from "../../machine/visit.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { operatorProgram } from "../../operator/operator-program.ts";
import { createSoftwareTpm } from "../../software-tpm/index.ts";

const FILES = 400;
/** More than it may open. */
const CONNECTIONS = 600;
const used = useOperator(inject("controlPlane"), "few-files", {
  command: ["prlimit", `--nofile=${FILES}:${FILES}`, process.execPath, operatorProgram()],
});
const held: Socket[] = [];

afterAll(() => {
  for (const socket of held) socket.destroy();
});

async function hold(url: string): Promise<void> {
  const { port } = new URL(url);
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const socket = connect(Number(port), "127.0.0.1");
    held.push(socket.on("error", () => undefined));
    // One that is given no place by the kernel has nothing to wait for either.
    await Promise.race([once(socket, "connect"), once(socket, "close")]);
  }
}

it("machines and probes are answered, and the API server is reached", async () => {
  const { token } = await used.makeDoor("door");
  for (const url of [used.operator.httpUrl, used.operator.httpsUrl, used.operator.healthUrl]) await hold(url);
  const probe = await fetch(`${used.operator.healthUrl}/healthz`, { signal: AbortSignal.timeout(5_000) });
  expect(probe.status).toBe(200);
  const outcome = await visit({ url: used.legacyUrl(token), tpm: createSoftwareTpm() });
  expect(outcome.payload).toBeDefined();
  expect(await used.operator.isReady()).toBe(true);
  expect(used.operator.log()).not.toContain("EMFILE");
  expect(used.operator.log()).toContain('"openFiles":400');
});
