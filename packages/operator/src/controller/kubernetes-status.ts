/** Reads what the API server says when it refuses. */
import { KubernetesError, type KubernetesErrorCode } from "./errors.ts";

interface StatusObject {
  readonly message: string;
  readonly reason: string;
}

function statusObject(body: unknown): StatusObject | undefined {
  if (typeof body !== "object" || body === null || !("kind" in body) || body.kind !== "Status") return undefined;
  const message = "message" in body && typeof body.message === "string" ? body.message : "";
  const reason = "reason" in body && typeof body.reason === "string" ? body.reason : "";
  return { message, reason };
}

function codeOf(httpStatus: number, reason: string): KubernetesErrorCode {
  if (reason === "AlreadyExists") return "KUBERNETES_ALREADY_EXISTS";
  if (httpStatus === 404) return "KUBERNETES_NOT_FOUND";
  if (httpStatus === 409) return "KUBERNETES_CONFLICT";
  if (httpStatus === 429 || httpStatus === 503 || httpStatus === 504) return "KUBERNETES_BUSY";
  return httpStatus >= 500 ? "KUBERNETES_NONSENSE" : "KUBERNETES_REFUSED";
}

/**
 * @param httpStatus         status of the answer, not 2xx
 * @param body               the parsed body, a Status object where an API server answered
 * @param retryAfterSeconds  the Retry-After header, where there was one
 */
export function refusal(httpStatus: number, body: unknown, retryAfterSeconds: number | undefined): KubernetesError {
  const status = statusObject(body);
  const message = status?.message || `the API server answered ${httpStatus}`;
  const code = codeOf(httpStatus, status?.reason ?? "");
  return new KubernetesError(code, message, {
    details: { httpStatus },
    ...(retryAfterSeconds === undefined ? {} : { retry: { afterMs: retryAfterSeconds * 1000 } }),
  });
}
