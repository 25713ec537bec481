/** A listening address at which no connection is ever made: its queue is full, and nobody takes from it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** Listens with the shortest queue, says where, and takes no connection: its only thread sleeps. */
const LISTENER = `
const server = require("node:net").createServer();
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  require("node:fs").writeSync(1, server.address().port + "\\n");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
`;
/** More than Linux keeps for a backlog of one. */
const FILLERS = 4;
const FILLED_MS = 200;

export interface FullBacklog {
  readonly port: number;
  stop(): void;
}

export async function listenWithFullBacklog(): Promise<FullBacklog> {
  const listener = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "inherit"] });
  const said: unknown[] = await once(createInterface(listener.stdout), "line");
  const port = Number(said[0]);
  const fillers = Array.from({ length: FILLERS }, (): Socket =>
    connect(port, "127.0.0.1").on("error", () => undefined),
  );
  const stop = (): void => {
    for (const one of fillers) one.destroy();
    listener.kill("SIGKILL");
  };
  // The last ones are not let in: when those that are have been, the queue is full.
  await Promise.race([once(fillers[0] ?? listener, "connect"), once(listener, "exit")]);
  await new Promise((resolve) => setTimeout(resolve, FILLED_MS));
  if (fillers.every((one) => !one.connecting)) {
    stop();
    throw new Error("the queue is longer than it should be");
  }
  return { port, stop };
}
