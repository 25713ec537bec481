/** Why a request to the API server has no answer. */
import { systemCode } from "@rancheros/protocol/errors";
import { KubernetesError } from "./errors.ts";

/** No trouble of the network: the process, or its machine, has as many files open as it may. */
const NO_FILE_LEFT: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);

/** Whether it is we who gave up. */
export function isAbort(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === "TimeoutError" || cause.name === "AbortError");
}

/** @param cause  what the request ended with */
export function lostRequest(path: string, cause: unknown): KubernetesError {
  if (isAbort(cause)) {
    return new KubernetesError("KUBERNETES_TIMEOUT", `the API server did not answer in time for ${path}`, { cause });
  }
  const code = systemCode(cause);
  if (NO_FILE_LEFT.has(code)) {
    const sentence = `no file is left for a connection to the API server: ${code}`;
    return new KubernetesError("KUBERNETES_NO_FILE_LEFT", sentence, { cause });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KubernetesError("KUBERNETES_UNREACHABLE", `cannot reach the API server: ${why}`, { cause });
}
