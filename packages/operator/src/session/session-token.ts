/** A session token: who the machine is and until when, signed. Whether it still may is asked of the inventory each time. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { SESSION_LIFETIME_MS, SESSION_TOKEN_MAX_CHARACTERS } from "@rancheros/protocol/attestation";
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

async function isSigned(keys: SessionKeys, kid: unknown, payload: string, tag: string): Promise<boolean> {
  const id = Buffer.from(typeof kid === "string" ? kid : "", "hex");
  const key = id.length === KEY_ID_BYTES ? await keys.opening(id) : undefined;
  const given = Buffer.from(tag, "base64url");
  // Two texts of one tag, which differ in bits that mean nothing, are not both taken.
  return key !== undefined && given.toString("base64url") === tag && timingSafeEqual(tagOf(key, payload), given);
}

/** @throws SealError SESSION_INVALID, SESSION_EXPIRED */
export async function openSession(keys: SessionKeys, token: string, nowMs: number): Promise<SessionSubject> {
  const [, payload, tag] = (token.length <= SESSION_TOKEN_MAX_CHARACTERS ? FORM.exec(token) : null) ?? [];
  if (payload === undefined || tag === undefined) throw invalid();
  const json = jsonOf(payload);
  if (!(await isSigned(keys, json["kid"], payload, tag))) throw invalid();
  const { iat, exp, ...subject } = claimsOf(json);
  if (nowMs >= exp || iat > nowMs + CLOCK_SKEW_MS) {
    throw new SealError("SESSION_EXPIRED", "the session has ended, attest again");
  }
  return subject;
}
