/** Redirects: few, never away from TLS, and never with somebody's password. */
import { Readable } from "node:stream";
import { RegistryError } from "./errors.ts";
import type { RegistryAnswer, RegistryRequest } from "./registry-outside.ts";

export type SentRequest = Omit<RegistryRequest, "timeoutMs" | "signal">;
/** Sends with what is left of the time. */
export type Send = (request: SentRequest) => Promise<RegistryAnswer>;

/** Of an answer whose body is there, or is still to be read. */
interface AnswerHead extends Pick<RegistryAnswer, "status" | "headers"> {
  readonly body: Buffer | Readable;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * @param authorization  goes to the request's own origin only
 * @throws RegistryError  REGISTRY_NONSENSE for too many redirects, and for one to where nobody should go
 */
export async function followRedirects<Answer extends AnswerHead>(
  send: (request: SentRequest) => Promise<Answer>,
  request: SentRequest,
  authorization: string | undefined,
): Promise<Answer> {
  let { url } = request;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const isOwn = authorization !== undefined && url.origin === request.url.origin;
    const headers = isOwn ? { ...request.headers, authorization } : request.headers;
    const answer = await send({ ...request, url, headers });
    const isFinal = !REDIRECTS.has(answer.status);
    if (!isFinal && answer.body instanceof Readable) answer.body.destroy();
    if (answer.status === 401 && url.origin !== request.url.origin) {
      throw new RegistryError(
        "REGISTRY_NONSENSE",
        `${request.url.host}: redirects to ${url.host}, which wants a login`,
      );
    }
    if (isFinal) return answer;
    url = redirectTarget(answer, url);
  }
  throw new RegistryError("REGISTRY_NONSENSE", `${request.url.host}: redirects more than ${MAX_REDIRECTS} times`);
}

function redirectTarget(answer: AnswerHead, from: URL): URL {
  const { location } = answer.headers;
  const target = typeof location === "string" ? URL.parse(location, from) : null;
  if (target === null) throw new RegistryError("REGISTRY_NONSENSE", `${from.host}: redirects to no address`);
  const isSafe = target.protocol === "https:" || target.origin === from.origin;
  if (isSafe && target.username === "" && target.password === "") return target;
  const message = `${from.host}: redirects to an address without TLS, or with a password in it`;
  throw new RegistryError("REGISTRY_NONSENSE", message);
}
