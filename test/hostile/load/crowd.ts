/** Hostile connections, held: as soon as the operator cuts one off, another takes its place. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createSoftwareTpm, generateAttestationKey, type SoftwareTpm } from "../../software-tpm/index.ts";

export const MANNERS = ["slow headers", "half-open challenge", "garbage"] as const;
export type Manner = (typeof MANNERS)[number];

export interface CrowdOptions {
  /** http, with the registration token. */
  readonly url: string;
  readonly count: number;
}

export interface Crowd {
  /** Connections that are open at this moment, by manner. */
  open(): Readonly<Record<Manner, number>>;
  /** Settles when as many as asked have been open at one time. */
  gathered(): Promise<void>;
  /** How many there have been in all. */
  readonly begun: number;
  leave(): Promise<void>;
}

const PAUSE_MS = 50;
const DRIP_MS = 1_000;
const GATHERING_MS = 30_000;

function upgrade(url: URL, tpm: SoftwareTpm): string {
  return [
    `GET ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Authorization: ${tpm.authorization()}`,
    "\r\n",
  ].join("\r\n");
}

/** A drop at a time, each in time for a server that only looks at silence. */
function drip(socket: Socket, text: () => string): void {
  socket.write("GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: x\r\n");
  const timer = setInterval(() => socket.write(text()), DRIP_MS);
  socket.once("close", () => clearInterval(timer));
}

export function gather({ url: registrationUrl, count }: CrowdOptions): Crowd {
  const url = new URL(registrationUrl);
  const ak = generateAttestationKey("rsa");
  const tpms = Array.from({ length: 8 }, () => createSoftwareTpm({ ak }));
  const sockets = new Map<Socket, Manner>();
  let begun = 0;
  const leaving = new AbortController();

  function behave(socket: Socket, manner: Manner, number: number): void {
    if (manner === "slow headers") drip(socket, () => `X-${begun}: a\r\n`);
    else if (manner === "half-open challenge")
      socket.write(upgrade(url, tpms[number % tpms.length] ?? createSoftwareTpm({ ak })));
    // Garbage of TLS, of HTTP, and of nothing: a server that waits for more of it holds the connection.
    else socket.write(["\u0016\u0003\u0001\u0002", "GET / HTTP/1.1\r\nX: ", ""][number % 3] ?? "");
  }

  async function attend(number: number): Promise<void> {
    const manner = MANNERS[number % MANNERS.length] ?? MANNERS[0];
    while (!leaving.signal.aborted) {
      const socket = connect(Number(url.port), url.hostname);
      socket.on("error", () => undefined);
      socket.resume();
      socket.once("connect", () => {
        sockets.set(socket, manner);
        begun += 1;
        behave(socket, manner, number);
      });
      await once(socket, "close");
      sockets.delete(socket);
      // What is cut off at once comes again at once, but not faster than a machine can answer anybody.
      if (!leaving.signal.aborted) await sleep(PAUSE_MS + (number % 20) * PAUSE_MS);
    }
  }

  const attending = Array.from({ length: count }, async (_, number) => attend(number));

  function open(): Readonly<Record<Manner, number>> {
    const counts = { "slow headers": 0, "half-open challenge": 0, garbage: 0 };
    for (const manner of sockets.values()) counts[manner] += 1;
    return counts;
  }

  return {
    open,
    get begun() {
      return begun;
    },
    async gathered() {
      const deadline = performance.now() + GATHERING_MS;
      // A few are always between two of their connections.
      while (sockets.size < count * 0.95) {
        if (performance.now() > deadline) throw new Error(`only ${sockets.size} of ${count} connections stay open`);
        await sleep(PAUSE_MS);
      }
    },
    async leave() {
      leaving.abort();
      for (const socket of sockets.keys()) socket.destroy();
      await Promise.all(attending);
    },
  };
}
