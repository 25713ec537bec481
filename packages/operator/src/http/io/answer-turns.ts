/** Who asks and does not read what they are answered: few requests at a time on a connection, and each answer taken in time. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { ANSWER_TAKEN_MS, UNANSWERED_MAX } from "../limits.ts";

/** What Node's parser is told of a request, so that it goes through nothing that comes after it. */
const SKIP_REST = 2;

/**
 * Ends a connection, and what was read of it already: 64 KiB may be thousands of requests, and Node would make each of them,
 * for as long as it takes, before it sees that their connection is gone. Node documents no way to stop its parser, and
 * pausing it there does nothing: test/unit/http/pipelined-requests.test.ts tells when an update takes this one away.
 */
function endConnection(socket: Duplex): void {
  socket.destroy();
  const parser: unknown = "parser" in socket ? socket.parser : undefined;
  if (typeof parser === "object" && parser !== null) Reflect.set(parser, "onIncoming", () => SKIP_REST);
}

/**
 * Counts requests until their answers have gone, and all that one read brings together, however soon they are answered. Node
 * reads on from a connection as long as it can, however many of its requests are unanswered.
 */
function createAnswerTurns() {
  const unanswered = new WeakMap<Duplex, number>();
  return {
    /** @returns whether it is to be answered; where not, its connection has ended */
    take({ socket }: IncomingMessage, response: ServerResponse): boolean {
      const count = (unanswered.get(socket) ?? 0) + 1;
      if (count > UNANSWERED_MAX || socket.destroyed) {
        endConnection(socket);
        return false;
      }
      unanswered.set(socket, count);
      response.once("close", () => {
        // What comes with a body may be answered before the next one of the same read is made.
        setImmediate(() => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      });
      return true;
    },
  };
}

/** RFC 9112 section 3.2: it is to be refused. */
function hasNoHost({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === "1.1" && headers.host === undefined;
}

/** For servers whose requests onRequest hears: Node would refuse those without a host by itself, as many as come. */
export const HEARD = { requireHostHeader: false } as const;

/**
 * Hears all requests, a few of a connection at a time. Node answers those that expect something with 417 by itself, as many
 * as come, and waits for ever until that is read: RFC 9110 section 10.1.1 lets a server pass over what is expected.
 * @param server  made with HEARD
 */
export function onRequest(server: Server | HttpsServer, answer: RequestListener): void {
  const turns = createAnswerTurns();
  const hear: RequestListener = (request, response) => {
    if (!turns.take(request, response)) return;
    if (hasNoHost(request)) endAnswer(response.writeHead(400, { connection: "close" }), undefined);
    else answer(request, response);
  };
  server.on("request", hear);
  server.on("checkExpectation", hear);
}

/** Ends an answer; where the other side does not take it in time, its connection ends. Node has no limit for that. */
export function endAnswer(response: ServerResponse, body: string | Buffer | undefined): void {
  const { socket } = response.req;
  // Not the response: one that waits for its turn has no connection yet.
  const late = setTimeout(() => socket.destroy(), ANSWER_TAKEN_MS).unref();
  response.once("close", () => clearTimeout(late));
  response.end(body);
}
