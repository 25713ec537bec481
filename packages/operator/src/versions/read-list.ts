/** A channel's list at a URL: asked whether it has changed, bounded, and never led astray. */
import {
  headerText,
  RegistryError,
  type RegistryAnswer,
  type RegistryErrorCode,
  type RegistryOutside,
} from "../registry/index.ts";
import { LIST_MAX_BYTES } from "./channel-list.ts";
import type { JsonSource } from "./channel-source.ts";
import { ChannelError, type ChannelErrorCode } from "./errors.ts";

export type ListAnswer =
  | { readonly kind: "unchanged" }
  | {
      readonly kind: "list";
      readonly body: Buffer;
      /** To ask with the next time. */ readonly etag: string | undefined;
    };

export interface ReadListOptions {
  /** A header, where there is an account. */
  readonly authorization: string | undefined;
  /** Of the list that is known. */
  readonly etag: string | undefined;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const ETAG = /^(W\/)?"[\x21\x23-\x7e]{0,254}"$/;
const LONGEST_RETRY_SECONDS = 3_600;

/** Requests are the registries' business as well; their words about images are not. */
const CODES: Readonly<Record<RegistryErrorCode, ChannelErrorCode>> = {
  REGISTRY_UNREACHABLE: "CHANNEL_UNREACHABLE",
  REGISTRY_TIMEOUT: "CHANNEL_TIMEOUT",
  REGISTRY_UNTRUSTED: "CHANNEL_UNTRUSTED",
  REGISTRY_REFUSED: "CHANNEL_REFUSED",
  REGISTRY_NOT_FOUND: "CHANNEL_REFUSED",
  REGISTRY_BUSY: "CHANNEL_BUSY",
  REGISTRY_NONSENSE: "CHANNEL_NONSENSE",
  REGISTRY_INTERRUPTED: "CHANNEL_INTERRUPTED",
  REGISTRY_PROXY_INVALID: "CHANNEL_UNREACHABLE",
  REGISTRY_PULL_SECRET_INVALID: "CHANNEL_SECRET",
  REGISTRY_CA_INVALID: "CHANNEL_INVALID",
};

function redirected(answer: RegistryAnswer, from: URL): URL {
  const target = URL.parse(headerText(answer, "location") ?? "", from);
  if (target === null) throw new ChannelError("CHANNEL_REDIRECTS", `${from.host}: redirects to no address`);
  // With TLS it may be elsewhere, as where files are kept; without, anybody on the way could say where.
  const isSafe = target.protocol === from.protocol && (target.protocol === "https:" || target.origin === from.origin);
  if (isSafe && target.username === "" && target.password === "") return target;
  const where = `${target.protocol}//${target.host}`;
  throw new ChannelError(
    "CHANNEL_REDIRECTS",
    `${from.host}: redirects to ${where.slice(0, 256)}, where the operator does not go`,
  );
}

function refusal({ status, headers }: RegistryAnswer, host: string): ChannelError {
  const what = `${host}: answers with HTTP ${status}`;
  const details = { status };
  if (status === 429 || status >= 500) {
    const wanted = headerText({ headers }, "retry-after") ?? "";
    const seconds = /^\d{1,9}$/.test(wanted) ? Math.min(Number(wanted), LONGEST_RETRY_SECONDS) : undefined;
    const retry = seconds === undefined ? {} : { retry: { afterMs: seconds * 1000 } };
    return new ChannelError("CHANNEL_BUSY", what, { details, ...retry });
  }
  return new ChannelError(status >= 400 ? "CHANNEL_REFUSED" : "CHANNEL_NONSENSE", what, { details });
}

async function follow(
  outside: RegistryOutside,
  source: JsonSource,
  { authorization, etag, signal }: ReadListOptions,
): Promise<RegistryAnswer> {
  const endsAtMs = outside.nowMs() + source.timeoutMs;
  let { url } = source;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const timeoutMs = endsAtMs - outside.nowMs();
    if (timeoutMs <= 0) throw new ChannelError("CHANNEL_TIMEOUT", `${url.host}: did not answer in time`);
    const isOwn = authorization !== undefined && url.origin === source.url.origin;
    const headers = {
      accept: "application/json",
      ...(etag === undefined ? {} : { "if-none-match": etag }),
      ...(isOwn ? { authorization } : {}),
    };
    const answer = await outside.send({
      method: "GET",
      url,
      headers,
      timeoutMs,
      bodyLimitBytes: LIST_MAX_BYTES,
      signal,
    });
    if (!REDIRECTS.has(answer.status)) return answer;
    url = redirected(answer, url);
  }
  throw new ChannelError("CHANNEL_REDIRECTS", `${source.url.host}: redirects more than ${MAX_REDIRECTS} times`);
}

/** @throws ChannelError */
export async function readList(
  outside: RegistryOutside,
  source: JsonSource,
  options: ReadListOptions,
): Promise<ListAnswer> {
  let answer: RegistryAnswer;
  try {
    answer = await follow(outside, source, options);
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause;
    throw new ChannelError(CODES[cause.code], cause.message, { cause, details: cause.details });
  }
  if (answer.status === 304 && options.etag !== undefined) return { kind: "unchanged" };
  if (answer.status !== 200) throw refusal(answer, source.url.host);
  const etag = headerText(answer, "etag");
  return { kind: "list", body: answer.body, etag: etag !== undefined && ETAG.test(etag) ? etag : undefined };
}
