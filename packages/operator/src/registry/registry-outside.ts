/** What the flow towards a registry needs of the world: requests, and a clock. */
import type { Readable } from "node:stream";

export interface RegistryRequest {
  readonly method: "GET" | "HEAD";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** For connection, headers and body together. */
  readonly timeoutMs: number;
  /** A longer body is an error where the status is below 400, and is cut off otherwise. */
  readonly bodyLimitBytes: number;
  readonly signal: AbortSignal | undefined;
}

export interface RegistryAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** An answer whose body is still to be read, or to be destroyed. */
export interface RegistryStream {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: RegistryAnswer["headers"];
  readonly body: Readable;
}

export interface RegistryOutside {
  /**
   * One request; redirects are answers.
   * @throws RegistryError  nothing answered, no TLS that is trusted, too late, interrupted, or too much
   */
  send(request: RegistryRequest): Promise<RegistryAnswer>;
  /** A clock that never goes back. */
  nowMs(): number;
}

/** Beside that, bodies of any size, as they come. */
export interface RegistryBlobs extends RegistryOutside {
  /**
   * One request; redirects are answers. What comes too late after that errors the body.
   * @param request  timeoutMs is for connection and headers
   * @throws RegistryError  nothing answered, no TLS that is trusted, too late, or interrupted
   */
  open(request: Omit<RegistryRequest, "bodyLimitBytes">): Promise<RegistryStream>;
}

/** All lines of a header that is a list, as one. Source: RFC 9110, section 5.3 */
export function headerList(answer: Pick<RegistryAnswer, "headers">, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === "string" ? value : value?.join(", ");
}

/** The first line of a header. */
export function headerText(answer: Pick<RegistryAnswer, "headers">, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === "string" ? value : value?.[0];
}
