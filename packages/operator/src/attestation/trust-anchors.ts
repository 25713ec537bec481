/** The certificates that an administrator trusts to vouch for TPMs, read from the data of a ConfigMap or Secret. */
import { createHash } from "node:crypto";
import { EK_CERTIFICATE_MAX_BYTES } from "@rancheros/protocol/tpm";
import { pemBlocks } from "../tls/index.ts";
import { authorityProblem, readAuthority, type Authority } from "./authority.ts";
import type { Certificate } from "./certificate.ts";
import { refusedHashes } from "./refused-hashes.ts";
import type { RevocationList } from "./revocation-list.ts";
import { readList, revocationOf, signatureLooks, type Revocation } from "./revocations.ts";

export type RootClass = "hardware" | "virtual";

export interface TrustRoot extends Authority {
  readonly class: RootClass;
}

/** Certificates that vouch, what was taken back, and what was wrong with what is neither. */
export interface TrustAnchors {
  readonly roots: readonly TrustRoot[];
  readonly intermediates: readonly Authority[];
  /** What the machine that is judged has sent itself, see withSentIntermediates. */
  readonly sent: readonly Authority[];
  /** SHA-256 of keys and certificates that count no more, of TPMs and of authorities, hex. */
  readonly refused: ReadonlySet<string>;
  readonly revocations: readonly Revocation[];
  /** One sentence for each thing that was passed over; names keys and positions, never content. */
  readonly problems: readonly string[];
}

export const NO_TRUST_ANCHORS: TrustAnchors = {
  roots: [],
  intermediates: [],
  sent: [],
  refused: new Set(),
  revocations: [],
  problems: [],
};

/** Above what the API server stores in one object; all roots of all makers have about 100 KiB. */
const MAX_BYTES = 2 * 1024 * 1024;
/** Certificates and lists of revoked ones together. */
const MAX_BLOCKS = 512;
const MAX_PROBLEMS = 32;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

type Role = RootClass | "intermediate";
const ROLES: readonly Role[] = ["hardware", "virtual", "intermediate"];
const REFUSED = "refused";
const LIST_ENDING = ".crl";

interface FoundAuthority {
  readonly role: Role;
  readonly where: string;
  readonly authority: Authority;
}

interface FoundList {
  readonly where: string;
  readonly list: RevocationList;
}

interface Found {
  readonly authorities: FoundAuthority[];
  readonly lists: FoundList[];
  readonly refused: Set<string>;
  readonly problems: string[];
}

/** What takes back comes first: where there is too much, it is what vouches that is left out. */
function rankOf(key: string): number {
  if (key.endsWith(LIST_ENDING)) return 1;
  return key.startsWith(REFUSED) ? 0 : 2;
}

/** In order of the keys, so that the limits cut at the same place at every replica. */
function beforeLimits(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || (a < b ? -1 : 1);
}

/** Whether an administrator wants to see this certificate no more. */
export function isRefused({ refused }: Pick<TrustAnchors, "refused">, { der }: Certificate): boolean {
  return refused.size > 0 && refused.has(createHash("sha256").update(der).digest("hex"));
}

/**
 * Whether an administrator wants to see this authority no more: by its certificate, or by its key, of which there may be
 * certificates that he does not know, and a machine does.
 */
export function isRefusedAuthority(anchors: Pick<TrustAnchors, "refused">, { certificate }: Authority): boolean {
  if (isRefused(anchors, certificate)) return true;
  return (
    anchors.refused.size > 0 && anchors.refused.has(createHash("sha256").update(certificate.spkiDer).digest("hex"))
  );
}

/**
 * Reads an object's data. Under keys that begin with hardware, virtual or intermediate stand PEM certificates, and text
 * around them does not count; a root need not be self-signed: who is trusted is trusted. Under keys that begin with
 * refused stand hashes, one a line; under those that end in .crl PEM lists of revoked certificates.
 * @param entries  key to text
 * @returns what can be used, and a sentence for each key, certificate, line and list that cannot
 */
export function trustAnchors(entries: Readonly<Record<string, string>>): TrustAnchors {
  const found: Found = { authorities: [], lists: [], refused: new Set(), problems: [] };
  const { problems } = found;
  let bytes = 0;
  let blocks = 0;
  for (const key of Object.keys(entries).toSorted(beforeLimits)) {
    const text = entries[key] ?? "";
    bytes += text.length;
    if (bytes > MAX_BYTES) {
      problems.push(`key ${key} and those after it: more than ${MAX_BYTES} bytes in all`);
      break;
    }
    if (rankOf(key) === 0) {
      const read = refusedHashes(text);
      for (const hash of read.hashes) found.refused.add(hash);
      problems.push(...read.problems.map((problem) => `key ${key}, ${problem}`));
      continue;
    }
    blocks += takeBlocks(key, text, MAX_BLOCKS - blocks, found);
    if (blocks > MAX_BLOCKS) {
      problems.push(`key ${key} and those after it: more than ${MAX_BLOCKS} certificates in all`);
      break;
    }
  }
  const authorities = arranged(found.authorities, problems);
  const revocations = [...revocationsOf(found, [...authorities.roots, ...authorities.intermediates])];
  return { ...authorities, sent: [], refused: found.refused, revocations, problems: cutShort(problems) };
}

/** @returns how many blocks there are; where that is more than the limit, none was taken */
function takeBlocks(key: string, text: string, limit: number, { authorities, lists, problems }: Found): number {
  const isList = key.endsWith(LIST_ENDING);
  const role = ROLES.find((one) => key.startsWith(one));
  if (!isList && role === undefined) {
    problems.push(
      `key ${key}: begins with none of ${[...ROLES, REFUSED].join(", ")}, and does not end in ${LIST_ENDING}`,
    );
    return 0;
  }
  const blocks = pemBlocks(text);
  if (blocks.length > limit) return blocks.length;
  if (blocks.length === 0) problems.push(`key ${key}: holds no PEM ${isList ? "list" : "certificate"}`);
  for (const [index, { label, body }] of blocks.entries()) {
    const where = `key ${key}, ${isList ? "list" : "certificate"} ${index + 1}`;
    const read = isList ? readListBlock(label, body) : readBlock(label, body);
    if (typeof read === "string") problems.push(`${where}: ${read}`);
    else if ("serialNumbers" in read) lists.push({ where, list: read });
    else if (role !== undefined) authorities.push({ role, where, authority: read });
  }
  return blocks.length;
}

function derOf(body: string): Buffer | undefined {
  const base64 = body.replaceAll(/\s/g, "");
  return BASE64.test(base64) ? Buffer.from(base64, "base64") : undefined;
}

function readBlock(label: string, body: string): Authority | string {
  if (label !== "CERTIFICATE" && label !== "X509 CERTIFICATE") return "is PEM of something other than a certificate";
  const der = derOf(body);
  if (der === undefined) return "is not base64";
  if (der.length > EK_CERTIFICATE_MAX_BYTES) return `has more than ${EK_CERTIFICATE_MAX_BYTES} bytes`;
  const authority = readAuthority(der);
  if (authority === undefined) return "is not readable as X.509";
  return authorityProblem(authority) ?? authority;
}

function readListBlock(label: string, body: string): RevocationList | string {
  if (label !== "X509 CRL") return "is PEM of something other than a revocation list";
  const der = derOf(body);
  if (der === undefined) return "is not base64";
  return readList(der) ?? "is not readable as a whole list of an issuer's own certificates";
}

function* revocationsOf({ lists, problems }: Found, authorities: readonly Authority[]): Generator<Revocation> {
  const looks = signatureLooks();
  for (const { where, list } of lists) {
    const revocation = revocationOf(list, where, authorities, looks);
    if (typeof revocation === "string") problems.push(`${where}: ${revocation}`);
    else yield revocation;
  }
}

/** The same certificate as root of both classes counts as the weaker one. */
function arranged(found: readonly FoundAuthority[], problems: string[]): Pick<TrustAnchors, "roots" | "intermediates"> {
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
