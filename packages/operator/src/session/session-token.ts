/** A session token: who the machine is and until when, signed. Whether it still may is asked of the inventory each time. */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { SESSION_KEY_BYTES, SESSION_LIFETIME_MS, SESSION_TOKEN_MAX_CHARACTERS } from "@rancheros/protocol/attestation";
import { CLOCK_SKEW_MS } from "./clock-skew.ts";
import { SealError } from "./errors.ts";
import { KEY_ID_BYTES, type SealKeys, type SessionKeys } from "./session-keys.ts";

const VERSION = 1;
const FORM = /^([A-Za-z0-9_-]+)[.]([A-Za-z0-9_-]{43})$/;

/** Whose session it is. */
export interface SessionSubject {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** SHA-256 of the endorsement key, hex. */
  readonly ekHash: string;
}

function tagOf(keys: SealKeys, payload: string): Buffer {
  return createHmac("sha256", keys.session).update(payload).digest();
}

export function sealSession(keys: SealKeys, subject: SessionSubject, nowMs: number): string {
  const { uid, namespace, name, ekHash: ek } = subject;
  const kid = keys.id.toString("hex");
  const claims = { v: VERSION, kid, uid, namespace, name, ek, iat: nowMs, exp: nowMs + SESSION_LIFETIME_MS };
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${payload}.${tagOf(keys, payload).toString("base64url")}`;
}

/**
 * What answers to this session are sealed with; no replica has to remember it.
 * @param keys  those that signed the token
 * @returns     SESSION_KEY_BYTES bytes
 */
export function sessionSealKey(keys: SealKeys, token: string): Buffer {
  return Buffer.from(hkdfSync("sha256", keys.session, token, "rancheros session seal v2", SESSION_KEY_BYTES));
}

function invalid(): SealError {
  return new SealError("SESSION_INVALID", "the session is none of this server's, attest again");
}

interface Claims extends SessionSubject {
  readonly iat: number;
  readonly exp: number;
}

function jsonOf(payload: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    if (typeof claims === "object" && claims !== null) return { ...claims };
  } catch {
    // Said below.
  }
  throw invalid();
}

function claimsOf(json: Readonly<Record<string, unknown>>): Claims {
  const { v, uid, namespace, name, ek: ekHash, iat, exp } = json;
  if (v !== VERSION || typeof iat !== "number" || typeof exp !== "number") throw invalid();
  if (typeof uid !== "string" || typeof ekHash !== "string") throw invalid();
  if (typeof namespace !== "string" || typeof name !== "string") throw invalid();
  return { uid, namespace, name, ekHash, iat, exp };
}

/** The keys that signed it; undefined where none of this server's did. */
async function signer(keys: SessionKeys, kid: unknown, payload: string, tag: string): Promise<SealKeys | undefined> {
  const id = Buffer.from(typeof kid === "string" ? kid : "", "hex");
  const key = id.length === KEY_ID_BYTES ? await keys.opening(id) : undefined;
  const given = Buffer.from(tag, "base64url");
  // Two texts of one tag, which differ in bits that mean nothing, are not both taken.
  const isCanonical = given.toString("base64url") === tag;
  return key !== undefined && isCanonical && timingSafeEqual(tagOf(key, payload), given) ? key : undefined;
}

/** A session as the server finds it in a request. */
export interface OpenedSession extends SessionSubject {
  /** See sessionSealKey. */
  readonly sealKey: Buffer;
}

/** @throws SealError SESSION_INVALID, SESSION_EXPIRED */
export async function openSession(keys: SessionKeys, token: string, nowMs: number): Promise<OpenedSession> {
  const [, payload, tag] = (token.length <= SESSION_TOKEN_MAX_CHARACTERS ? FORM.exec(token) : null) ?? [];
  if (payload === undefined || tag === undefined) throw invalid();
  const json = jsonOf(payload);
  const signedBy = await signer(keys, json["kid"], payload, tag);
  if (signedBy === undefined) throw invalid();
  const { iat, exp, ...subject } = claimsOf(json);
  if (nowMs >= exp || iat > nowMs + CLOCK_SKEW_MS) {
    throw new SealError("SESSION_EXPIRED", "the session has ended, attest again");
  }
  return { ...subject, sealKey: sessionSealKey(signedBy, token) };
}
