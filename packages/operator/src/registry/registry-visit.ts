/** A visit to one endpoint with one account, or none: login when it is asked for. */
import { Readable } from "node:stream";
import { parseChallenge } from "@rancheros/protocol/images";
import { answerFailure } from "./answer-failure.ts";
import { basicAuthorization } from "./basic-authorization.ts";
import { bearerToken } from "./bearer-token.ts";
import type { Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import { followRedirects, type Send, type SentRequest } from "./follow-redirects.ts";
import { MANIFEST_ACCEPT, MANIFEST_LIMIT_BYTES } from "./manifest.ts";
import type { RegistryCredential } from "./pull-secret.ts";
import type { RegistryAnswer, RegistryBlobs, RegistryOutside, RegistryStream } from "./registry-outside.ts";

export interface VisitOptions {
  readonly endpoint: Endpoint;
  readonly credential: RegistryCredential | undefined;
  /** On the outside's clock. */
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
}

export class RegistryVisit {
  readonly #outside: RegistryOutside;
  readonly #options: VisitOptions;
  #authorization: string | undefined;

  constructor(outside: RegistryOutside, options: VisitOptions) {
    this.#outside = outside;
    this.#options = options;
  }

  /**
   * @returns an answer of any status but 401 and 403
   * @throws RegistryError
   */
  async ask(method: "GET" | "HEAD", url: URL, accept = MANIFEST_ACCEPT): Promise<RegistryAnswer> {
    const answer = await this.#withLogin(() => this.#document(method, url, accept));
    if (answer.status !== 401 && answer.status !== 403) return answer;
    const { host, repository } = this.#options.endpoint;
    throw answerFailure(answer, `${host}: ${repository}`);
  }

  /**
   * @param headers  such as a Range
   * @returns an answer of any status, whose body is the caller's to read or to destroy
   * @throws RegistryError
   */
  async open(blobs: RegistryBlobs, url: URL, headers: Readonly<Record<string, string>>): Promise<RegistryStream> {
    const send = async (request: SentRequest): Promise<RegistryStream> =>
      blobs.open({ ...request, timeoutMs: this.#leftMs(request.url), signal: this.#options.signal });
    const request = { method: "GET", url, headers, bodyLimitBytes: 0 } as const;
    return this.#withLogin(() => followRedirects(send, request, this.#authorization));
  }

  async #withLogin<Answer extends RegistryAnswer | RegistryStream>(ask: () => Promise<Answer>): Promise<Answer> {
    const answer = await ask();
    if (answer.status !== 401 || this.#authorization !== undefined) return answer;
    if (answer.body instanceof Readable) answer.body.destroy();
    this.#authorization = await this.#login(answer);
    return ask();
  }

  #document(method: "GET" | "HEAD", url: URL, accept: string): Promise<RegistryAnswer> {
    const headers = { accept };
    const request = { method, url, headers, bodyLimitBytes: MANIFEST_LIMIT_BYTES };
    return followRedirects(this.#send, request, this.#authorization);
  }

  async #login(answer: Pick<RegistryAnswer, "status" | "headers">): Promise<string> {
    const { endpoint, credential } = this.#options;
    const challenge = parseChallenge(answer.headers["www-authenticate"]);
    if (challenge === undefined) {
      const message = `${endpoint.host}: wants a login, but neither Basic nor Bearer`;
      throw new RegistryError("REGISTRY_REFUSED", message, { details: { status: answer.status } });
    }
    if (challenge.scheme === "bearer") {
      return `Bearer ${await bearerToken(this.#send, challenge, endpoint, credential)}`;
    }
    if (credential !== undefined) return basicAuthorization(credential);
    throw new RegistryError(
      "REGISTRY_REFUSED",
      `${endpoint.host}: wants an account, and no pull secret has one for it`,
    );
  }

  readonly #send: Send = async (request) => {
    return this.#outside.send({ ...request, timeoutMs: this.#leftMs(request.url), signal: this.#options.signal });
  };

  #leftMs(url: URL): number {
    const leftMs = this.#options.deadlineAtMs - this.#outside.nowMs();
    if (leftMs <= 0) throw new RegistryError("REGISTRY_TIMEOUT", `${url.host}: did not answer in time`);
    return leftMs;
  }
}
