/** One websocket to Rancher, from the dial to its end. */
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { getCACertificates, type SecureContextOptions } from "node:tls";
import { WebSocket, type RawData } from "ws";
import { TunnelError } from "../errors.ts";
import { createFrameWriter } from "../frame.ts";
import { createMultiplexer } from "../multiplexer.ts";
import type { TunnelTarget } from "../tunnel-target.ts";
import { dialError } from "../dial-error.ts";
import { TunnelStream } from "./tunnel-stream.ts";

/** remotedialer makes one message of each write; a proxy writes 32 KiB. */
export const MESSAGE_MAX_BYTES = 4 * 1024 * 1024;
/** It sends one frame for each; what passes it on may cut it into some of 4 KiB. Each is held with what came beside it. */
export const MESSAGE_MAX_FRAGMENTS = 1024;
/** What waits to be sent: all connections' data at once is half of it. */
const UNSENT_MAX_BYTES = 32 * 1024 * 1024;
const CLOSE_GRACE_MS = 500;
const GOING_AWAY = 1001;

export interface TunnelTimes {
  /** From the dial to the websocket. */
  readonly dialMs: number;
  readonly pingMs: number;
  /** Nothing heard for so long: it is gone. */
  readonly silentMs: number;
  readonly syncMs: number;
}

/** As remotedialer has them. */
export const TUNNEL_TIMES: TunnelTimes = { dialMs: 10_000, pingMs: 5_000, silentMs: 60_000, syncMs: 60_000 };

export interface TunnelSession {
  readonly connections: number;
  readonly unreadBytes: number;
  /** Settles with the reason when it has ended. */
  readonly ended: Promise<TunnelError>;
  close(): void;
}

export interface TunnelDial {
  readonly target: TunnelTarget;
  /** Takes each connection that comes through the tunnel. */
  readonly accept: (stream: Duplex) => void;
  /** See TunnelStream. */
  readonly remoteAddress: string;
  /** Ends the dial, not the session. */
  readonly signal: AbortSignal;
  readonly times?: TunnelTimes;
}

/** The CA in the Secret counts beside the usual ones, not in their place. As with Rancher's agents, it need not be a root. */
function trusted({ caPem }: TunnelTarget): SecureContextOptions {
  return caPem === undefined ? {} : { ca: [...getCACertificates("default"), caPem], allowPartialTrustChain: true };
}

/**
 * Dials, and hands over each connection that comes through.
 * @throws TunnelError TUNNEL_UNREACHABLE, TUNNEL_UNTRUSTED, TUNNEL_REFUSED, TUNNEL_TIMEOUT, TUNNEL_FRAME_INVALID
 */
export async function openTunnel(options: TunnelDial): Promise<TunnelSession> {
  const { target, signal, times = TUNNEL_TIMES } = options;
  const socket = new WebSocket(target.url, {
    headers: { authorization: `Bearer ${target.token}` },
    handshakeTimeout: times.dialMs,
    maxPayload: MESSAGE_MAX_BYTES,
    maxFragments: MESSAGE_MAX_FRAGMENTS,
    perMessageDeflate: false,
    followRedirects: false,
    ...trusted(target),
  });
  const given = new AbortController();
  // The handshake's own limit begins anew with each byte.
  const late = setTimeout(() => given.abort(), times.dialMs);
  try {
    return await new Promise<TunnelSession>((resolve, reject) => {
      const giveUp = (): void =>
        reject(new TunnelError("TUNNEL_TIMEOUT", `Rancher's tunnel did not open within ${times.dialMs} ms`));
      given.signal.addEventListener("abort", giveUp);
      signal.addEventListener("abort", giveUp, { signal: given.signal });
      // At once: the first frame may have come with the answer.
      socket.once("open", () => resolve(serve(socket, options, times)));
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        const text = `Rancher answered the tunnel's request with ${response.statusCode ?? "no status"}`;
        reject(new TunnelError("TUNNEL_REFUSED", text));
      });
      socket.on("error", (error) => reject(dialError(error)));
      if (signal.aborted) giveUp();
    });
  } catch (error) {
    socket.terminate();
    throw error;
  } finally {
    clearTimeout(late);
    given.abort();
  }
}

function serve(socket: WebSocket, { accept, remoteAddress }: TunnelDial, times: TunnelTimes): TunnelSession {
  let reason: TunnelError | undefined;
  /** Pings in a row that nothing came after. Not time: whoever stood still for a while has not read what came meanwhile. */
  let unanswered = 0;

  function fail(error: TunnelError): void {
    reason ??= error;
    socket.terminate();
  }

  const multiplexer = createMultiplexer({
    writer: createFrameWriter(randomBytes(8).readBigInt64BE() >> 1n),
    send(message, sent) {
      if (socket.bufferedAmount > UNSENT_MAX_BYTES) {
        fail(new TunnelError("TUNNEL_OVERRUN", "Rancher's end of the tunnel takes nothing"));
      }
      socket.send(message, { binary: true }, sent ?? (() => undefined));
    },
    open(outlet) {
      const stream = new TunnelStream(outlet, remoteAddress);
      accept(stream);
      return stream;
    },
    onFull: (isFull) => (isFull ? socket.pause() : socket.resume()),
  });

  const heard = (): void => {
    unanswered = 0;
  };
  socket.on("ping", heard);
  socket.on("pong", heard);
  socket.on("message", (data: RawData, isBinary: boolean) => {
    heard();
    // What came behind the frame that ended it.
    if (reason !== undefined) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) {
        throw new TunnelError("TUNNEL_FRAME_INVALID", "a text message came through the tunnel");
      }
      multiplexer.receive(data);
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      fail(error);
    }
  });
  socket.on("error", (cause) =>
    fail(new TunnelError("TUNNEL_FRAME_INVALID", `the tunnel's websocket broke: ${cause.message}`, { cause })),
  );

  const ping = setInterval(() => {
    if (unanswered * times.pingMs >= times.silentMs) {
      fail(new TunnelError("TUNNEL_TIMEOUT", `nothing was heard of Rancher's tunnel for ${times.silentMs} ms`));
      return;
    }
    unanswered += 1;
    socket.ping();
  }, times.pingMs);
  const sync = setInterval(() => socket.send(multiplexer.syncConnections(), { binary: true }), times.syncMs);
  const ended = new Promise<TunnelError>((resolve) => {
    socket.once("close", (code) => {
      clearInterval(ping);
      clearInterval(sync);
      multiplexer.end();
      resolve(reason ?? new TunnelError("TUNNEL_ENDED", `Rancher's tunnel was closed (${code})`));
    });
  });

  return {
    ended,
    get connections() {
      return multiplexer.connections;
    },
    get unreadBytes() {
      return multiplexer.unreadBytes;
    },
    close() {
      socket.close(GOING_AWAY);
      const late = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
      void ended.then(() => clearTimeout(late));
    },
  };
}
