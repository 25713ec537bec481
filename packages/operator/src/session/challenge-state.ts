/** What the operator has to remember of a challenge, sealed and handed to the machine: no replica keeps anything. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { CHALLENGE_LIFETIME_MS, type TrustClass } from "@rancheros/protocol/attestation";
import { CLOCK_SKEW_MS } from "./clock-skew.ts";
import { SealError } from "./errors.ts";
import { KEY_ID_BYTES, type SealKeys, type SessionKeys } from "./session-keys.ts";

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = KEY_ID_BYTES + IV_BYTES;
const ID = /^[0-9a-f]{32}$/;
/** A root's subject is the administrator's; a longer one is cut. */
const ROOT_MAX = 512;

/** Through which registration a machine comes; undefined for one that is known and goes on. */
export interface ThroughRegistration {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** SHA-256 of the token with which it came, hex: good as long as that is. */
  readonly tokenDigest: string;
}

export interface ChallengeState {
  /** Random, 32 hex digits. */
  readonly id: string;
  readonly issuedAtMs: number;
  readonly protocol: number;
  readonly ekHash: string;
  readonly akName: Buffer;
  /** What the TPM is to give up. */
  readonly secret: Buffer;
  readonly registration: ThroughRegistration | undefined;
  readonly trust: TrustClass;
  readonly root: string | undefined;
  readonly certificateSha256: string | undefined;
}

/** @param iv  12 fresh random bytes */
export function sealChallengeState(keys: SealKeys, state: ChallengeState, iv: Buffer): Buffer {
  const cipher = createCipheriv(CIPHER, keys.state, iv);
  const head = Buffer.concat([keys.id, iv]);
  cipher.setAAD(head);
  const plain = JSON.stringify({
    ...state,
    akName: state.akName.toString("base64"),
    secret: state.secret.toString("base64"),
    root: state.root?.slice(0, ROOT_MAX),
  });
  return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws SealError STATE_INVALID, CHALLENGE_EXPIRED */
export async function openChallengeState(keys: SessionKeys, sealed: Buffer, nowMs: number): Promise<ChallengeState> {
  const bigEnough = sealed.length > HEAD_BYTES + TAG_BYTES;
  const key = bigEnough ? await keys.opening(sealed.subarray(0, KEY_ID_BYTES)) : undefined;
  const state = key === undefined ? undefined : readState(decrypted(key, sealed));
  if (state === undefined) throw new SealError("STATE_INVALID", "the state is none of this server's, begin again");
  const ageMs = nowMs - state.issuedAtMs;
  if (ageMs > CHALLENGE_LIFETIME_MS || ageMs < -CLOCK_SKEW_MS) {
    throw new SealError("CHALLENGE_EXPIRED", "the challenge is too old, begin again");
  }
  return state;
}

function decrypted(key: SealKeys, sealed: Buffer): unknown {
  const decipher = createDecipheriv(CIPHER, key.state, sealed.subarray(KEY_ID_BYTES, HEAD_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(sealed.subarray(0, HEAD_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const plain = Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(plain.toString());
  } catch {
    return undefined;
  }
}

function field(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

function text(holder: unknown, key: string): string | undefined {
  const value = field(holder, key);
  return typeof value === "string" ? value : undefined;
}

function number(holder: unknown, key: string): number | undefined {
  const value = field(holder, key);
  return typeof value === "number" ? value : undefined;
}

function registrationOf(value: unknown): ThroughRegistration | undefined {
  const [namespace, name, uid] = [text(value, "namespace"), text(value, "name"), text(value, "uid")];
  const digest = text(value, "tokenDigest");
  if (namespace === undefined || name === undefined || uid === undefined || digest === undefined) return undefined;
  return { namespace, name, uid, tokenDigest: digest };
}

/** What was sealed is ours, but perhaps of another version of this program: then the machine begins again. */
function readState(json: unknown): ChallengeState | undefined {
  const [id, ekHash] = [text(json, "id"), text(json, "ekHash")];
  const [issuedAtMs, protocol] = [number(json, "issuedAtMs"), number(json, "protocol")];
  const [akName, secret] = [text(json, "akName"), text(json, "secret")];
  const trust = (["hardware", "virtual", "none"] as const).find((one) => one === field(json, "trust"));
  const registration = registrationOf(field(json, "registration"));
  if (registration === undefined && field(json, "registration") !== undefined) return undefined;
  if (id === undefined || !ID.test(id) || ekHash === undefined || akName === undefined || secret === undefined) {
    return undefined;
  }
  if (issuedAtMs === undefined || protocol === undefined || trust === undefined) return undefined;
  return {
    id,
    issuedAtMs,
    protocol,
    ekHash,
    akName: Buffer.from(akName, "base64"),
    secret: Buffer.from(secret, "base64"),
    registration,
    trust,
    root: text(json, "root"),
    certificateSha256: text(json, "certificateSha256"),
  };
}
