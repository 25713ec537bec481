/** The address that a machine registers at. Its last part is a secret: whoever has it may register machines. */
import { RegistrationError } from "./errors.ts";

export interface RegistrationUrl {
  /** http or https */
  readonly url: URL;
  /** Where the same server hands out its CA; rancherd too drops the path, whatever it is. */
  readonly cacertsUrl: URL;
  /** For people and logs: the address with its secret shortened. */
  readonly display: string;
  /** Takes the secret out of a text that somebody else wrote. */
  readonly redact: (text: string) => string;
}

/** Shorter path segments (v1-rancheros, registration) are no secrets; tokens have 54 characters. */
const SECRET_MIN_CHARACTERS = 16;
const SHOWN_CHARACTERS = 4;
const CACERTS_PATH = "/v1-rancheros/cacerts";

export interface UrlRules {
  /** Whether a connection without TLS was asked for. */
  readonly allowHttp: boolean;
  /** Whether the server's address alone is enough, for a machine that is known already. */
  readonly allowBare?: boolean;
}

/**
 * @param text  as the user gave it
 * @throws RegistrationError REGISTRATION_URL_INVALID, REGISTRATION_PLAIN_HTTP
 */
export function parseRegistrationUrl(text: string, { allowHttp, allowBare = false }: UrlRules): RegistrationUrl {
  const url = URL.parse(text.trim());
  if (url === null) throw invalid("the registration URL is not a URL");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw invalid(`the registration URL begins with ${url.protocol} and not with https:`);
  }
  if (url.username !== "" || url.password !== "") throw invalid("the registration URL holds a user name or password");
  if (url.hash !== "") throw invalid("the registration URL holds a #");
  if (decoded(url.pathname) === undefined) throw invalid("the registration URL holds a % that begins no escape");
  if (url.pathname === "/" && !allowBare)
    throw invalid(`the registration URL has no path: ${url.origin} is the server's address only`);
  if (url.protocol === "http:" && !allowHttp) {
    throw new RegistrationError("REGISTRATION_PLAIN_HTTP", `${url.origin} would be spoken to without TLS`);
  }
  const secrets = secretsOf(url);
  return {
    url,
    cacertsUrl: new URL(CACERTS_PATH, url.origin),
    display: replaceAll(url.origin + url.pathname, secrets),
    redact: (foreign) => replaceAll(foreign, secrets),
  };
}

function invalid(message: string): RegistrationError {
  return new RegistrationError("REGISTRATION_URL_INVALID", message);
}

/** The query too, should somebody have put a token there; longest first, so that none hides a part of another. */
function secretsOf(url: URL): readonly string[] {
  const segments = url.pathname.split("/").flatMap((segment) => [segment, decoded(segment) ?? segment]);
  const values = [...url.searchParams.values()];
  return [...segments, ...values]
    .filter((part) => part.length >= SECRET_MIN_CHARACTERS)
    .sort((one, other) => other.length - one.length);
}

/** Undefined for a text with an escape that is none. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function replaceAll(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, `${secret.slice(0, SHOWN_CHARACTERS)}...`), text);
}
