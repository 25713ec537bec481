/** One page by GET: the environment's proxy, the CAs that the system trusts, redirects followed; bounded in time and size. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";

import { createGrowingBytes } from "@rancheros/protocol/bytes";
import { chooseProxy } from "@rancheros/protocol/proxies";

import { answerTo, connectionAgent, readSystemCas } from "../../http/index.ts";
import { InstallError } from "../errors.ts";
import { pageFailure } from "../page-failure.ts";

export interface PageSurroundings {
  /** HTTPS_PROXY, HTTP_PROXY, NO_PROXY in both spellings, SSL_CERT_FILE. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

type Answered = { readonly kind: "page"; readonly bytes: Buffer } | { readonly kind: "moved"; readonly to: URL };

const TIMEOUT_MS = 30_000;
const REDIRECTS_MAX = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** @throws InstallError INSTALL_CONFIG_UNREADABLE, INSTALL_INTERRUPTED */
export async function fetchPage(
  start: URL,
  { environment, signal }: PageSurroundings,
  maxBytes: number,
): Promise<Buffer> {
  const place = `${start.protocol}//${start.host}`;
  const late = AbortSignal.timeout(TIMEOUT_MS);
  const surroundings = { environment, signal: AbortSignal.any([signal, late]) };
  let url = start;
  let proxy: URL | undefined;
  try {
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
      proxy = proxyTo(url, environment);
      const answered = await ask(url, proxy, surroundings, maxBytes);
      if (answered.kind === "page") return answered.bytes;
      url = answered.to;
    }
    throw new Error(`it leads on more than ${REDIRECTS_MAX} times`);
  } catch (cause) {
    if (signal.aborted) {
      throw new InstallError("INSTALL_INTERRUPTED", "fetching the configuration was broken off", { cause });
    }
    const known = late.aborted ? new Error(`it has not come in time (${TIMEOUT_MS / 1000} s)`, { cause }) : cause;
    throw pageFailure(known, { place, url, proxy });
  }
}

function proxyTo(url: URL, environment: PageSurroundings["environment"]): URL | undefined {
  const choice = chooseProxy(url, environment);
  if (choice.kind === "invalid") {
    // The value may hold a password, so it is not shown.
    throw new InstallError("INSTALL_CONFIG_UNREADABLE", `${choice.variable} is not the address of an HTTP proxy`, {
      retry: "never",
      mend: `Correct ${choice.variable}, or name ${url.hostname} in NO_PROXY.`,
    });
  }
  return choice.kind === "proxy" ? choice.proxy : undefined;
}

async function ask(
  url: URL,
  proxy: URL | undefined,
  { environment, signal }: PageSurroundings,
  maxBytes: number,
): Promise<Answered> {
  const ca = await readSystemCas(environment["SSL_CERT_FILE"]);
  const agent = connectionAgent({ url, proxy, ca, verification: "certificate" });
  const send = url.protocol === "http:" ? httpRequest : httpsRequest;
  try {
    const headers = { "user-agent": "ros-agent", connection: "close" };
    const answer = await answerTo(send(url, { agent, signal, headers }).end(), signal);
    const status = answer.statusCode ?? 0;
    if (REDIRECTS.has(status)) return { kind: "moved", to: target(answer, url) };
    // Without TLS the proxy answers in the server's place.
    if (status === 407 && proxy !== undefined) throw new Error(`the proxy ${proxy.host}: HTTP ${status}`);
    if (status < 200 || status >= 300) throw new Error(`HTTP ${status}`);
    return { kind: "page", bytes: await bodyOf(answer, maxBytes) };
  } finally {
    agent.destroy();
  }
}

function target({ headers }: IncomingMessage, url: URL): URL {
  const to = URL.parse(headers.location ?? "", url.href);
  if (headers.location !== undefined && (to?.protocol === "http:" || to?.protocol === "https:")) return to;
  throw new Error("it leads to something that is no http or https");
}

async function bodyOf(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const body = createGrowingBytes(maxBytes);
  for await (const chunk of answer) {
    const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    // Leaving the loop destroys the stream.
    if (!body.append(piece)) throw new Error(`it has more than ${maxBytes / 1024 ** 2} MiB`);
  }
  return body.bytes();
}
