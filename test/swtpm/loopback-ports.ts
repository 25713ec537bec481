/** Two free TCP ports side by side on loopback: the swtpm TCTI takes the control port to be the data port plus one. */

import { once } from "node:events";
import { connect, createServer } from "node:net";

const FIRST_PORT = 20_000;
/** Below Linux's ephemeral range (32768 up), so that no outgoing connection sits on the port meanwhile. */
const LAST_PORT = 32_000;
const ATTEMPTS = 100;

/** A port that is free together with its successor, at this moment; the caller retries when it lost the race for it. */
export async function pickPortPair(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + 2 * Math.floor((Math.random() * (LAST_PORT - FIRST_PORT)) / 2);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
  throw new Error(`no two free ports side by side between ${FIRST_PORT} and ${LAST_PORT}`);
}

/** Whether something accepts connections there. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
