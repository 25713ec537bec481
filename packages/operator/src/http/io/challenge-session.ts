/** One websocket visit of a machine: our challenge, its answer, our payload, and a close frame that says how it ended. */
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { HANDSHAKE_TIMEOUT_MS, MESSAGE_MAX_BYTES, MESSAGE_MAX_FRAGMENTS } from "@rancheros/protocol/messages";
import type { Visit } from "../machine-endpoint.ts";
import { refusalOf } from "../refusal.ts";
import { SessionError } from "../errors.ts";

/** How long the other side may take to answer our close frame. */
const CLOSE_GRACE_MS = 2_000;
/** A second answer right behind the first ends the session before anything is made for the first. */
const SECOND_ANSWER_WINDOW_MS = 5;
/** Messages, pings and pongs of one visit: an honest one has its answer, and what keeps a line alive. */
const FRAMES_MAX = 16;
const NORMAL_CLOSURE = 1000;
const GOING_AWAY = 1001;

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** What is written until this turn of the event loop ends leaves as one packet: one system call, one TLS record. */
function writeTogether(connection: Duplex): void {
  connection.cork();
  process.nextTick(() => connection.uncork());
}

/**
 * Drives one visit to its end; whatever the other side does, the socket is closed within the deadline.
 * @param connection  the one below the websocket
 */
function runVisit(socket: WebSocket, connection: Duplex, visit: Visit): void {
  let ended = false;
  let answered = false;
  let frames = 0;

  function end(code: number, reason: string, error: unknown): void {
    if (ended) return;
    ended = true;
    clearTimeout(deadline);
    visit.onEnd(error);
    socket.close(code, reason);
    // A payload on a slow line may take its time; who was refused may not.
    const graceMs = error === undefined ? HANDSHAKE_TIMEOUT_MS : CLOSE_GRACE_MS;
    const closing = setTimeout(() => socket.terminate(), graceMs).unref();
    // A timer holds the whole visit in memory, with the SMBIOS in its headers.
    socket.once("close", () => clearTimeout(closing));
  }

  function refuse(error: unknown): void {
    const { close } = refusalOf(error);
    end(close.code, close.reason, error);
  }

  /** Counts what came. A flood ends the visit and is read no further: each frame takes its time, however small it is. */
  function isTooMuch(): boolean {
    frames += 1;
    if (frames <= FRAMES_MAX) return false;
    if (frames > FRAMES_MAX + 1) return true;
    refuse(new SessionError("SESSION_BROKEN", `a visit takes no more than ${FRAMES_MAX} messages, pings and pongs`));
    // What end() has begun closes it, as the other side's close frame is not read either.
    socket.pause();
    return true;
  }

  const deadline = setTimeout(
    () =>
      refuse(new SessionError(answered ? "SESSION_SLOW" : "SESSION_SILENT", "the challenge was not answered in time")),
    HANDSHAKE_TIMEOUT_MS,
  );

  async function admit(): Promise<void> {
    await sleep(SECOND_ANSWER_WINDOW_MS);
    if (ended) return;
    const payload = await visit.payload(() => !ended);
    if (ended) return;
    writeTogether(connection);
    socket.send(payload, { binary: true });
    end(NORMAL_CLOSURE, "", undefined);
  }

  socket.on("ping", isTooMuch);
  socket.on("pong", isTooMuch);
  socket.on("message", (data) => {
    if (isTooMuch()) return;
    if (answered) return refuse(new SessionError("SESSION_SECOND_ANSWER", "a challenge takes one answer"));
    answered = true;
    try {
      // At once: a second message in the same breath must not hide that the first was wrong.
      visit.checkAnswer(bytesOf(data));
    } catch (error) {
      return refuse(error);
    }
    admit().catch(refuse);
  });
  socket.on("error", (cause) =>
    refuse(new SessionError("SESSION_BROKEN", "the websocket broke the protocol", { cause })),
  );
  socket.on("close", () => refuse(new SessionError("SESSION_LEFT", "the machine left before the end")));
  socket.send(visit.challenge, { binary: true });
  visit.onChallenged(refuse);
}

export interface Visits {
  /** Takes over the socket of an upgrade request. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, visit: Visit): void;
  /** Tells all machines under way to come back. */
  closeAll(): void;
}

export function createVisits(): Visits {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_MAX_BYTES,
    maxFragments: MESSAGE_MAX_FRAGMENTS,
    perMessageDeflate: false,
    clientTracking: true,
  });
  return {
    accept(request, socket, head, visit) {
      if (socket.destroyed) return visit.onEnd(new SessionError("SESSION_LEFT", "the machine left before the end"));
      let taken = false;
      // A request that is no proper upgrade is answered by the library, and the socket ends.
      socket.once("close", () => {
        if (!taken) visit.onEnd(new SessionError("SESSION_LEFT", "the machine left before the end"));
      });
      writeTogether(socket);
      server.handleUpgrade(request, socket, head, (webSocket) => {
        taken = true;
        runVisit(webSocket, socket, visit);
      });
    },
    closeAll() {
      for (const client of server.clients) client.close(GOING_AWAY, "the operator stops, try again");
    },
  };
}
