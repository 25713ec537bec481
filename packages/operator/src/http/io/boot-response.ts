/** Answers who boots from the network: text, or a file as the registry gives it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { SLOWEST_BYTES_PER_MS, type BootAnswer, type BootDesk } from "../../boot/index.ts";
import { NOT_FOUND } from "../answer.ts";
import { refusalOf } from "../refusal.ts";
import { pathOf } from "../route.ts";
import { endAnswer } from "./answer-turns.ts";

/** A machine that takes nothing for so long has gone. */
const STALLED_MS = 60_000;

export interface BootResponder {
  respond(request: IncomingMessage, response: ServerResponse): void;
}

/**
 * @param isTls    of the listener
 * @param onError  told of each request that was refused, and of each transfer that broke
 */
export function bootResponder(desk: BootDesk, isTls: boolean, onError: (error: unknown) => void): BootResponder {
  async function answerTo(request: IncomingMessage, signal: AbortSignal): Promise<BootAnswer> {
    const { method = "", url = "/", headers, socket } = request;
    try {
      const answer = await desk.answer({
        method,
        path: pathOf(url),
        host: headers.host,
        isTls,
        range: headers.range,
        remoteAddress: socket.remoteAddress,
        signal,
      });
      return answer ?? NOT_FOUND;
    } catch (error) {
      if (!signal.aborted) onError(error);
      const { answer } = refusalOf(error);
      // A boot loader reads no sentences; what is not there is not there.
      return answer.status === 401 ? { ...answer, status: 404 } : answer;
    }
  }

  function send(response: ServerResponse, { status, headers, body }: BootAnswer): void {
    if (body === undefined || typeof body === "string") {
      const length = headers["content-length"] === undefined ? { "content-length": Buffer.byteLength(body ?? "") } : {};
      response.writeHead(status, { ...headers, ...length });
      endAnswer(response, response.req.method === "HEAD" ? undefined : body);
      return;
    }
    response.writeHead(status, headers);
    response.setTimeout(STALLED_MS, () => response.destroy());
    const longestMs = STALLED_MS + Number(headers["content-length"] ?? 0) / SLOWEST_BYTES_PER_MS;
    const late = setTimeout(() => response.destroy(), longestMs);
    pipeline(body, response, (error) => {
      clearTimeout(late);
      if (error) onError(error);
    });
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // It has no body that anybody wants.
    request.resume();
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const answer = await answerTo(request, gone.signal);
    if (response.destroyed && typeof answer.body === "object") answer.body.destroy();
    else send(response, answer);
  }

  return {
    respond: (request, response) => void respond(request, response),
  };
}
