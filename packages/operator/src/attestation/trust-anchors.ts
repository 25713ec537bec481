/** The certificates that an administrator trusts to vouch for TPMs, read from the data of a ConfigMap or Secret. */
import { EK_CERTIFICATE_MAX_BYTES } from "@rancheros/protocol/tpm";
import { authorityProblem, readAuthority, type Authority } from "./authority.ts";

export type RootClass = "hardware" | "virtual";

export interface TrustRoot extends Authority {
  readonly class: RootClass;
}

/** Certificates that vouch, and what was wrong with those that do not. */
export interface TrustAnchors {
  readonly roots: readonly TrustRoot[];
  readonly intermediates: readonly Authority[];
  /** One sentence for each thing that was passed over; names keys and positions, never content. */
  readonly problems: readonly string[];
}

export const NO_TRUST_ANCHORS: TrustAnchors = { roots: [], intermediates: [], problems: [] };

/** Above what the API server stores in one object; all roots of all makers have about 100 KiB. */
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_CERTIFICATES = 512;
const MAX_PROBLEMS = 32;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

type Role = RootClass | "intermediate";
const ROLES: readonly Role[] = ["hardware", "virtual", "intermediate"];

interface Found {
  readonly role: Role;
  readonly where: string;
  readonly authority: Authority;
}

/**
 * Reads PEM certificates out of an object's data. Keys that begin with hardware, virtual or intermediate count; text
 * around the certificates does not. A root need not be self-signed: who is trusted is trusted.
 * @param entries  key to PEM text
 * @returns what can be used, and a sentence for each key and certificate that cannot
 */
export function trustAnchors(entries: Readonly<Record<string, string>>): TrustAnchors {
  const problems: string[] = [];
  const found: Found[] = [];
  let bytes = 0;
  let certificates = 0;
  // In order of the keys, so that the limits cut at the same place at every replica.
  for (const key of Object.keys(entries).toSorted()) {
    const text = entries[key] ?? "";
    const role = ROLES.find((one) => key.startsWith(one));
    if (role === undefined) {
      problems.push(`key ${key}: begins with none of ${ROLES.join(", ")}`);
      continue;
    }
    bytes += text.length;
    if (bytes > MAX_BYTES) {
      problems.push(`key ${key} and those after it: more than ${MAX_BYTES} bytes in all`);
      break;
    }
    const blocks = [...text.matchAll(BLOCK)];
    if (blocks.length === 0) problems.push(`key ${key}: holds no PEM certificate`);
    certificates += blocks.length;
    if (certificates > MAX_CERTIFICATES) {
      problems.push(`key ${key} and those after it: more than ${MAX_CERTIFICATES} certificates in all`);
      break;
    }
    for (const [index, block] of blocks.entries()) {
      const where = `key ${key}, certificate ${index + 1}`;
      const read = readBlock(block[1] ?? "", block[2] ?? "");
      if (typeof read === "string") problems.push(`${where}: ${read}`);
      else found.push({ role, where, authority: read });
    }
  }
  return { ...arranged(found, problems), problems: cutShort(problems) };
}

function readBlock(label: string, body: string): Authority | string {
  if (label !== "CERTIFICATE" && label !== "X509 CERTIFICATE") return "is PEM of something other than a certificate";
  const base64 = body.replaceAll(/\s/g, "");
  if (!BASE64.test(base64)) return "is not base64";
  const der = Buffer.from(base64, "base64");
  if (der.length > EK_CERTIFICATE_MAX_BYTES) return `has more than ${EK_CERTIFICATE_MAX_BYTES} bytes`;
  const authority = readAuthority(der);
  if (authority === undefined) return "is not readable as X.509";
  return authorityProblem(authority) ?? authority;
}

/** The same certificate as root of both classes counts as the weaker one. */
function arranged(found: readonly Found[], problems: string[]): Pick<TrustAnchors, "roots" | "intermediates"> {
  const roots = new Map<string, TrustRoot>();
  const intermediates = new Map<string, Authority>();
  for (const { role, where, authority } of found) {
    const fingerprint = authority.certificate.x509.fingerprint256;
    if (role === "intermediate") {
      intermediates.set(fingerprint, authority);
      continue;
    }
    const known = roots.get(fingerprint);
    if (known !== undefined && known.class !== role) {
      problems.push(`${where}: is listed as hardware and as virtual, and counts as virtual`);
    }
    const weaker = known?.class === "virtual" ? "virtual" : role;
    roots.set(fingerprint, { ...authority, class: weaker });
  }
  return { roots: [...roots.values()], intermediates: [...intermediates.values()] };
}

function cutShort(problems: readonly string[]): readonly string[] {
  const more = problems.length - MAX_PROBLEMS;
  return more <= 0 ? problems : [...problems.slice(0, MAX_PROBLEMS), `and ${more} problems more`];
}
