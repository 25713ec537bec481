/** Who asks and does not read what they are answered: few requests at a time on a connection, and each answer taken in time. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { ANSWER_TAKEN_MS, UNANSWERED_MAX } from "../limits.ts";

export interface AnswerTurns {
  /**
   * Counts a request until its answer has gone. Node reads on from a connection as long as it can, however many of its
   * requests are unanswered.
   * @returns whether it is to be answered; where not, its connection has ended
   */
  take(request: IncomingMessage, response: ServerResponse): boolean;
}

export function createAnswerTurns(): AnswerTurns {
  const unanswered = new WeakMap<Duplex, number>();
  return {
    take({ socket }, response) {
      const count = (unanswered.get(socket) ?? 0) + 1;
      // What else was read with the one too many comes here still.
      if (count > UNANSWERED_MAX || socket.destroyed) {
        socket.destroy();
        return false;
      }
      unanswered.set(socket, count);
      response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      return true;
    },
  };
}

/**
 * Hears all requests. Node answers those that expect something with 417 by itself, as many as come, and waits for ever until
 * that is read: RFC 9110 section 10.1.1 lets a server pass over what is expected.
 */
export function onRequest(server: Server | HttpsServer, answer: RequestListener): void {
  server.on("request", answer);
  server.on("checkExpectation", answer);
}

/** Ends an answer; where the other side does not take it in time, its connection ends. Node has no limit for that. */
export function endAnswer(response: ServerResponse, body: string | undefined): void {
  const { socket } = response.req;
  // Not the response: one that waits for its turn has no connection yet.
  const late = setTimeout(() => socket.destroy(), ANSWER_TAKEN_MS).unref();
  response.once("close", () => clearTimeout(late));
  response.end(body);
}
