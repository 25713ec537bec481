/** What the flow towards a registry needs of the world: requests, and a clock. */

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

export interface RegistryOutside {
  /**
   * One request; redirects are answers.
   * @throws RegistryError  nothing answered, no TLS that is trusted, too late, interrupted, or too much
   */
  send(request: RegistryRequest): Promise<RegistryAnswer>;
  /** A clock that never goes back. */
  nowMs(): number;
}

/** The first line of a header. */
export function headerText(answer: RegistryAnswer, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === "string" ? value : value?.[0];
}
