/** A websocket as a machine needs it: dial, messages in order, and how it ended. */
import { MESSAGE_MAX_FRAGMENTS } from "@rancheros/protocol/messages";
import { WebSocket, type RawData } from "ws";

import { connectionAgent, type Route } from "../../http/index.ts";
import type { Closed } from "../closed.ts";
import type { HttpAnswer } from "../http-answer.ts";
import { networkFailure } from "../network-failure.ts";
import { readAnswer } from "./http-get.ts";

export interface Dial extends Omit<Route, "verification"> {
  readonly headers: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
  /** Ends the dialling; has no meaning later. */
  readonly dialSignal: AbortSignal;
  /** Ends the connection whenever it is given: what waits for a message then rejects. */
  readonly signal: AbortSignal;
}

export type Received = { readonly kind: "message"; readonly bytes: Buffer } | ({ readonly kind: "closed" } & Closed);

export interface MessageSocket {
  /** The next message, or the end. @throws RegistrationError when the connection fails or breaks the protocol */
  receive(): Promise<Received>;
  send(bytes: Uint8Array): void;
  /** Says good-bye and waits a moment for the other side to do so. */
  close(): Promise<void>;
  /** Without good-bye. */
  drop(): void;
}

export type Dialled =
  | { readonly kind: "open"; readonly socket: MessageSocket }
  | { readonly kind: "answered"; readonly answer: HttpAnswer };

const REFUSAL_MAX_BYTES = 4096;
const GOOD_BYE_MS = 1_000;
/** The protocol has two; what comes beyond is noise that nobody reads. */
const MAX_WAITING_MESSAGES = 4;
const NORMAL_CLOSURE = 1000;
const NO_CLOSE_FRAME = 1006;

/** @throws RegistrationError, or anything when a signal was given */
export async function openWebsocket(dial: Dial): Promise<Dialled> {
  const { url, proxy, signal, dialSignal } = dial;
  signal.throwIfAborted();
  dialSignal.throwIfAborted();
  const agent = connectionAgent({ ...dial, verification: "certificate" });
  const webSocket = new WebSocket(url, {
    agent,
    headers: dial.headers,
    maxPayload: dial.maxMessageBytes,
    maxFragments: MESSAGE_MAX_FRAGMENTS,
    perMessageDeflate: false,
    followRedirects: false,
  });
  const inbox = createInbox(webSocket, (error) => networkFailure(error, { server: url, proxy }));
  const drop = (): void => webSocket.terminate();
  signal.addEventListener("abort", drop, { once: true });
  dialSignal.addEventListener("abort", drop, { once: true });
  webSocket.once("open", () => dialSignal.removeEventListener("abort", drop));
  webSocket.once("close", () => {
    signal.removeEventListener("abort", drop);
    dialSignal.removeEventListener("abort", drop);
    agent.destroy();
  });
  return new Promise((resolve, reject) => {
    webSocket.once("open", () => resolve({ kind: "open", socket: messageSocket(webSocket, inbox) }));
    webSocket.once("error", (error) => reject(networkFailure(error, { server: url, proxy })));
    webSocket.once("unexpected-response", (_request, response) => {
      readAnswer(response, REFUSAL_MAX_BYTES)
        .then((answer) => resolve({ kind: "answered", answer }))
        .catch((error: unknown) => reject(networkFailure(error, { server: url, proxy })))
        // Whoever listens for this event has to end the connection.
        .finally(() => webSocket.terminate());
    });
  });
}

interface Inbox {
  receive(): Promise<Received>;
}

/** Keeps what arrives while nobody waits: the challenge may come in one packet with the answer to the dialling. */
function createInbox(webSocket: WebSocket, translate: (error: unknown) => Error): Inbox {
  const messages: Buffer[] = [];
  let failure: Error | undefined;
  let end: Received | undefined;
  let wake: (() => void) | undefined;

  webSocket.on("message", (data) => {
    if (messages.length >= MAX_WAITING_MESSAGES) webSocket.terminate();
    else messages.push(bytesOf(data));
    wake?.();
  });
  // Always followed by "close".
  webSocket.on("error", (error) => {
    failure = translate(error);
  });
  webSocket.once("close", (code, reason) => {
    end = { kind: "closed", code, reason: reason.toString("utf8") };
    wake?.();
  });

  return {
    async receive() {
      if (messages.length === 0 && end === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const bytes = messages.shift();
      if (bytes !== undefined) return { kind: "message", bytes };
      if (failure !== undefined) throw failure;
      return end ?? { kind: "closed", code: NO_CLOSE_FRAME, reason: "" };
    },
  };
}

function messageSocket(webSocket: WebSocket, inbox: Inbox): MessageSocket {
  return {
    receive: () => inbox.receive(),
    send: (bytes) => webSocket.send(bytes, { binary: true }, () => undefined),
    close: async () => {
      if (webSocket.readyState === WebSocket.CLOSED) return;
      const closed = new Promise<void>((resolve) => {
        webSocket.once("close", () => resolve());
      });
      const timer = setTimeout(() => webSocket.terminate(), GOOD_BYE_MS);
      webSocket.close(NORMAL_CLOSURE);
      await closed;
      clearTimeout(timer);
    },
    drop: () => webSocket.terminate(),
  };
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
