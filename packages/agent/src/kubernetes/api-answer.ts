/** From an HTTP answer to the object that it holds, or to the error that it means. */
import type { Retry } from "@rancheros/protocol/errors";

import { readStatus, text } from "./api-status.ts";
import { NodeApiError, type NodeApiErrorCode } from "./errors.ts";

export interface RawAnswer {
  readonly status: number;
  /** Headers of these names, as they came. */
  readonly retryAfter: string | undefined;
  readonly date: string | undefined;
  readonly body: Buffer;
}

/** Longer than this nobody should wait on a server's word. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * @returns the answer's parsed JSON
 * @throws NodeApiError NODE_API_NONSENSE, and one code for each kind of refusal, with the server's own message
 */
export function readAnswer(answer: RawAnswer): unknown {
  const body = parseJson(answer.body);
  const { status: httpStatus } = answer;
  if (httpStatus >= 200 && httpStatus < 300) {
    if (body === undefined) throw new NodeApiError("NODE_API_NONSENSE", "the API server's answer is no JSON");
    return body;
  }
  const status = readStatus(httpStatus, body);
  const retry = retryAfter(answer.retryAfter);
  const code = refusalCode(httpStatus, retry);
  const fallback = text(answer.body.subarray(0, 200).toString("utf8"));
  const message =
    status.message || `the API server answers HTTP ${httpStatus}${fallback === "" ? "" : `: ${fallback}`}`;
  throw new NodeApiError(code, message, { status, ...(retry === undefined ? {} : { retry }) });
}

function parseJson(body: Buffer): unknown {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return parsed;
  } catch {
    return undefined;
  }
}

/** As client-go does, a server error with Retry-After is a request for patience. */
function refusalCode(httpStatus: number, retry: Retry | undefined): NodeApiErrorCode {
  if (httpStatus === 401) return "NODE_API_UNAUTHORIZED";
  if (httpStatus === 403) return "NODE_API_FORBIDDEN";
  if (httpStatus === 404) return "NODE_API_NOT_FOUND";
  if (httpStatus === 409) return "NODE_API_CONFLICT";
  if (httpStatus === 429 || httpStatus === 503 || httpStatus === 504) return "NODE_API_BUSY";
  if (httpStatus >= 500) return retry === undefined ? "NODE_API_FAILED" : "NODE_API_BUSY";
  if (httpStatus >= 400) return "NODE_API_REFUSED";
  return "NODE_API_NONSENSE";
}

/** API servers give seconds only. */
function retryAfter(value: string | undefined): Retry | undefined {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return undefined;
  return { afterMs: Math.min(Number(value) * 1000, MAX_RETRY_AFTER_MS) };
}
