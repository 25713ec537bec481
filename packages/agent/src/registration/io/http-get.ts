/** One plain GET: bounded in size, ended by a signal, redirects not followed. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";

import { answerTo, connectionAgent, type Route } from "../../http/index.ts";
import type { HttpAnswer } from "../http-answer.ts";
import { networkFailure } from "../network-failure.ts";

export interface HttpGet extends Route {
  /** What lies behind is left unread. */
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

/** @throws RegistrationError, or anything when the signal was given */
export async function httpGet(options: HttpGet): Promise<HttpAnswer> {
  const { url, proxy, signal, maxBodyBytes } = options;
  const agent = connectionAgent(options);
  const request = url.protocol === "http:" ? httpRequest : httpsRequest;
  try {
    const sent = request(url, { agent, signal, headers: { connection: "close" } }).end();
    return await readAnswer(await answerTo(sent, signal), maxBodyBytes);
  } catch (error) {
    throw networkFailure(error, { server: url, proxy });
  } finally {
    agent.destroy();
  }
}

/** Reads an answer to its end or to the limit, whichever comes first. */
export async function readAnswer(response: IncomingMessage, maxBodyBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(part);
    bytes += part.length;
    // Leaving the loop destroys the stream.
    if (bytes >= maxBodyBytes) break;
  }
  const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).subarray(0, maxBodyBytes),
  };
}
