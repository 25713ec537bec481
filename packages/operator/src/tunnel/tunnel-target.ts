/** Where the tunnel leads to, as Rancher writes it into a Secret once it has seen the APIService. */
import { X509Certificate } from "node:crypto";
import { TunnelError } from "./errors.ts";

export interface TunnelTarget {
  /** ws: or wss: */
  readonly url: string;
  readonly token: string;
  /** Of Rancher, beside the CAs that everybody trusts; undefined where those are enough. */
  readonly caPem: string | undefined;
}

const MAX_BYTES = 64 * 1024;

function decoded(data: object, key: string): string | undefined {
  const value: unknown = Reflect.get(data, key);
  if (typeof value !== "string") return undefined;
  if (value.length > MAX_BYTES) throw invalid(`${key} is longer than ${MAX_BYTES} bytes`);
  return Buffer.from(value, "base64").toString().trim();
}

function invalid(why: string, cause?: unknown): TunnelError {
  return new TunnelError("TUNNEL_SECRET_INVALID", `the Secret of Rancher's tunnel is of no use: ${why}`, { cause });
}

function socketUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[url?.protocol ?? ""];
  if (url === undefined || protocol === undefined || url.username !== "" || url.password !== "") {
    throw invalid("url is no http or https address");
  }
  url.hash = "";
  return url.href.replace(/^[a-z]+:/, protocol);
}

function checkCa(pem: string): void {
  // Without a CA the original believes any certificate: whoever sits between would have the token.
  if (pem === "") throw invalid("ca.crt is empty, which would mean any certificate");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw invalid("ca.crt holds no certificate");
  for (const block of blocks) {
    try {
      void new X509Certificate(block).subject;
    } catch (cause) {
      throw invalid("ca.crt holds a certificate that cannot be read", cause);
    }
  }
}

/**
 * @param secret  as the API server gives it
 * @returns       undefined while Rancher has not filled it
 * @throws TunnelError TUNNEL_SECRET_INVALID
 */
export function readTunnelTarget(secret: unknown): TunnelTarget | undefined {
  if (typeof secret !== "object" || secret === null || !("data" in secret)) return undefined;
  const { data } = secret;
  if (typeof data !== "object" || data === null) return undefined;
  const [url, token, caPem] = [decoded(data, "url"), decoded(data, "token"), decoded(data, "ca.crt")];
  if (!url || !token) return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) throw invalid("token has characters that no header may have");
  if (caPem !== undefined) checkCa(caPem);
  return { url: socketUrl(url), token, caPem };
}

export function isSameTarget(a: TunnelTarget | undefined, b: TunnelTarget | undefined): boolean {
  return a?.url === b?.url && a?.token === b?.token && a?.caPem === b?.caPem;
}
