/** The way to an operator, one piece at a time, for who wants to know at which one it ends. Nothing is registered. */
import { PROTOCOL_VERSION, readNonceAnswer, writeNonceRequest } from "@rancheros/protocol/attestation";

import { attestationEndpoints, isRegistrationPath } from "./attestation-endpoints.ts";
import { establishTrust, learnedCas, type TrustedCas, type TrustOutside } from "./establish-trust.ts";
import type { connectServer } from "./io/server-connection.ts";
import { chooseProxy } from "./proxy.ts";
import { readProtocolAnswer } from "./protocol-answer.ts";
import type { ServerOptions } from "./register.ts";
import { parseRegistrationUrl, type RegistrationUrl } from "./registration-url.ts";

export interface ProbeOutside extends TrustOutside {
  readonly connectServer: typeof connectServer;
}

export type ProbeOptions = Omit<ServerOptions, "timeoutMs" | "signal">;

export interface OperatorProbe {
  /** Its address with the token shortened. */
  readonly display: string;
  readonly url: URL;
  /** Whether the URL has a registration's token. */
  readonly hasToken: boolean;
  readonly proxy: URL | undefined;
  /**
   * The CAs by which the server is to be recognised; asks the server for them where they are known by a fingerprint.
   * @throws RegistrationError, or anything when the signal was given
   */
  readTrust(signal: AbortSignal): Promise<ServerTrust>;
  /**
   * Sends the first message of the protocol, which tells nothing of this machine.
   * @throws RegistrationError, or anything when the signal was given
   */
  greet(trust: ServerTrust, signal: AbortSignal): Promise<Greeting>;
  /**
   * What the server says the time is, whoever it may be: it is not verified.
   * @returns undefined where nobody says
   */
  readClock(signal: AbortSignal): Promise<number | undefined>;
}

export interface ServerTrust extends TrustedCas {
  /** Whether CAs are among them that the server itself has told the machine of. */
  readonly hasLearned: boolean;
}

export interface Greeting {
  /** Of the protocol that the server speaks. */
  readonly protocol: number;
  readonly hasTls: boolean;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** @throws RegistrationError for what is wrong with URL or proxy. Sends nothing yet. */
export function probeThrough(outside: ProbeOutside, options: ProbeOptions): OperatorProbe {
  const server: RegistrationUrl = parseRegistrationUrl(options.url, { allowHttp: options.allowHttp, allowBare: true });
  const { url } = server;
  const proxy = chooseProxy(url, options.environment);
  return {
    display: server.display,
    url,
    proxy,
    hasToken: isRegistrationPath(url),
    async readTrust(signal) {
      const cas = await establishTrust(outside, { ...options, server, proxy, signal });
      return { ...cas, hasLearned: (await learnedCas(outside, { ...options, server })) !== undefined };
    },
    async greet({ ca, proxyCa }, signal) {
      const connection = outside.connectServer({ url, proxy, ca, proxyCa });
      try {
        const answer = await connection.send({
          method: "POST",
          url: attestationEndpoints(url).nonce,
          headers: { "content-type": "application/json", accept: "application/json" },
          body: writeNonceRequest({ protocol: PROTOCOL_VERSION }),
          maxBodyBytes: MAX_ANSWER_BYTES,
          signal,
        });
        const context = { server, step: "connect", isFirst: true, nowMs: outside.nowMs() } as const;
        const { protocol } = readProtocolAnswer(answer, readNonceAnswer, context);
        return { protocol, hasTls: answer.peerSpki !== undefined };
      } finally {
        connection.close();
      }
    },
    async readClock(signal) {
      const answer = await outside.httpGet({
        url: server.cacertsUrl,
        proxy,
        ca: undefined,
        verification: "none",
        maxBodyBytes: 1,
        signal,
      });
      const atMs = Date.parse(answer.headers["date"] ?? "");
      return Number.isNaN(atMs) ? undefined : atMs;
    },
  };
}
