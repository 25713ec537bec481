/** Gets hold of the CA certificates against which the server's certificate is verified. */
import { createHash } from "node:crypto";

import type { readSystemCas } from "../http/index.ts";
import { RegistrationError } from "./errors.ts";
import type { httpGet } from "./io/http-get.ts";
import type { readLearnedCa } from "./io/learned-ca-file.ts";
import type { bundledCas, readCaFile } from "./io/read-ca.ts";
import { refusalFromAnswer } from "./http-answer.ts";
import { parseLearnedCa } from "./learned-ca.ts";
import type { RegistrationUrl } from "./registration-url.ts";
import { caFromPin, parsePin, readCaCertificates, type Trust } from "./trust.ts";

export interface TrustOutside {
  readonly httpGet: typeof httpGet;
  readonly readCaFile: typeof readCaFile;
  readonly readSystemCas: typeof readSystemCas;
  readonly bundledCas: typeof bundledCas;
  readonly readLearnedCa: typeof readLearnedCa;
  readonly nowMs: () => number;
}

export interface TrustedCas {
  /** PEM of the CAs to trust and no others; undefined for those that Node brings along, and without TLS. */
  readonly ca: string | undefined;
  /** PEM of those that vouch for a proxy as well: given whole, they are no less than the user's word. */
  readonly proxyCa: string | undefined;
}

export interface TrustOptions {
  readonly server: RegistrationUrl;
  readonly trust: Trust;
  /** Where CAs are kept that the server told of; undefined where none are. */
  readonly learnedCaFile?: string | undefined;
  readonly proxy: URL | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** For the CA alone; the same as rancherd's. */
export const CACERTS_TIMEOUT_MS = 5_000;

const MAX_CACERTS_BYTES = 256 * 1024;

/** @throws RegistrationError */
export async function establishTrust(outside: TrustOutside, options: TrustOptions): Promise<TrustedCas> {
  const { server, trust } = options;
  if (server.url.protocol === "https:") return withLearned(outside, options);
  if (trust.kind === "system") return { ca: undefined, proxyCa: undefined };
  throw uselessOnHttp();
}

/**
 * What can be said of the trust before anything else is touched: whether the CA can be read and is one, the fingerprint
 * one, and either is of use. Nothing is sent.
 * @throws RegistrationError REGISTRATION_CA_UNREADABLE, REGISTRATION_TRUST_INVALID, REGISTRATION_INTERRUPTED
 */
export async function checkTrust(
  outside: Pick<TrustOutside, "readCaFile">,
  { server, trust, signal }: Pick<TrustOptions, "server" | "trust" | "signal">,
): Promise<void> {
  if (trust.kind === "system") return;
  if (server.url.protocol !== "https:") throw uselessOnHttp();
  if (trust.kind === "pin") parsePin(trust.pin);
  else await givenCas(outside, trust, signal);
}

function uselessOnHttp(): RegistrationError {
  return new RegistrationError("REGISTRATION_TRUST_INVALID", "a CA or a fingerprint proves nothing on plain http", {
    mend: "Use the https:// address, or leave the CA and the fingerprint out.",
  });
}

/**
 * @returns PEM of what this server has told of its CA; undefined where nothing was, or nothing that counts
 * @throws RegistrationError REGISTRATION_CA_UNREADABLE, REGISTRATION_TRUST_INVALID
 */
export async function learnedCas(
  outside: Pick<TrustOutside, "readCaFile" | "readLearnedCa">,
  { learnedCaFile: file, server, trust }: Pick<TrustOptions, "learnedCaFile" | "server" | "trust">,
): Promise<string | undefined> {
  const text = file === undefined ? undefined : await outside.readLearnedCa(file);
  if (text === undefined || server.url.protocol !== "https:") return undefined;
  return parseLearnedCa(text, server.url.origin, await trustName(outside, trust));
}

/** What the machine was set up with always counts, and what it has learned since counts beside it. */
async function withLearned(outside: TrustOutside, options: TrustOptions): Promise<TrustedCas> {
  const learned = await learnedCas(outside, options);
  if (learned === undefined) return trustedCas(outside, options);
  try {
    const { ca, proxyCa } = await trustedCas(outside, options);
    return { ca: `${ca ?? outside.bundledCas()}\n${learned}`, proxyCa };
  } catch (error) {
    // The pinned CA has ended, and the server hands it out no more.
    if (!(error instanceof RegistrationError) || error.code !== "REGISTRATION_PIN_MISMATCH") throw error;
    return { ca: learned, proxyCa: undefined };
  }
}

/**
 * @returns by which trust a server is known: the same text for the same CAs, wherever they lie
 * @throws RegistrationError REGISTRATION_CA_UNREADABLE, REGISTRATION_TRUST_INVALID
 */
export async function trustName(outside: Pick<TrustOutside, "readCaFile">, trust: Trust): Promise<string> {
  // Not what the system trusts: its CAs change with each update.
  if (trust.kind === "system") return "system";
  if (trust.kind === "pin") return `pin:${parsePin(trust.pin)}`;
  return `ca:${createHash("sha256")
    .update(await givenCas(outside, trust))
    .digest("hex")}`;
}

async function givenCas(
  outside: Pick<TrustOutside, "readCaFile">,
  trust: Extract<Trust, { readonly kind: "ca" | "ca-file" }>,
  signal?: AbortSignal,
): Promise<string> {
  const isFile = trust.kind === "ca-file";
  const text = isFile ? (trust.text ?? (await outside.readCaFile(trust.path, signal))) : trust.pem;
  return readCaCertificates(text, isFile ? trust.path : "registrationCACert of the cloud-config").join("\n");
}

async function trustedCas(outside: TrustOutside, options: TrustOptions): Promise<TrustedCas> {
  const { trust } = options;
  if (trust.kind === "ca" || trust.kind === "ca-file") {
    const ca = await givenCas(outside, trust, options.signal);
    return { ca, proxyCa: ca };
  }
  // A fingerprint is the operator's, and what it hands out says nothing of who stands on the way to it.
  const ca =
    trust.kind === "pin"
      ? await fetchPinned(outside, options, parsePin(trust.pin))
      : await outside.readSystemCas(options.environment["SSL_CERT_FILE"]);
  return { ca, proxyCa: undefined };
}

async function fetchPinned(outside: TrustOutside, options: TrustOptions, pin: string): Promise<string> {
  const { server, proxy, signal } = options;
  const answer = await outside.httpGet({
    url: server.cacertsUrl,
    proxy,
    ca: undefined,
    // What it gives is believed only if it has the fingerprint.
    verification: "none",
    maxBodyBytes: MAX_CACERTS_BYTES,
    signal,
  });
  if (answer.status === 200) return caFromPin(answer.body, pin);
  throw refusalFromAnswer(answer, server, outside.nowMs());
}
