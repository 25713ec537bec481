/** Which tokens a registration has, and what must be done to its Secret first. */
import { durationMs, type MachineRegistration } from "@rancheros/protocol/resources";
import { registrationUrl } from "../rancherd/index.ts";
import { newRegistrationToken } from "./registration-token.ts";
import {
  isTokenText,
  ownSecretName,
  secretNameOf,
  type PreviousToken,
  type RegistrationSecret,
  type SecretContent,
} from "./token-secret.ts";

const DEFAULT_OVERLAP_MS = 24 * 3_600_000;
/** So long after its end the previous token is left: it is nobody's then, but the clock that says so may be ahead. */
const LEFT_MS = 30 * 24 * 3_600_000;
/** Of the numbers that are an int64, as the status has it, the largest one that JavaScript knows. */
const LAST_ROTATION = 2 ** 63 - 1024;

/** Why a registration has no token. */
export interface TokenTrouble {
  readonly reason: "TokenSecretMissing" | "TokenSecretInvalid" | "TokenSecretTaken";
  readonly message: string;
}

export interface RegistrationTokens {
  readonly token: string;
  readonly previous: PreviousToken | undefined;
  readonly rotation: number;
}

export type TokenState =
  | { readonly kind: "tokens"; readonly tokens: RegistrationTokens }
  | { readonly kind: "trouble"; readonly trouble: TokenTrouble }
  /** None yet: the operator makes one. */
  | { readonly kind: "none" };

export interface SecretUpdate {
  readonly kind: "update";
  readonly content: SecretContent;
  /** Nothing but the address changes. */
  readonly isOnlyMoved: boolean;
  /** It becomes the registration's again. */
  readonly isAdopted: boolean;
}

/** What is to be done to the operator's own Secret. */
export type SecretStep =
  | { readonly kind: "none" }
  | { readonly kind: "create"; readonly content: SecretContent }
  | SecretUpdate
  /** It was left by a registration of the same name that is gone. */
  | { readonly kind: "delete" };

export interface TokenSurroundings {
  readonly serverUrl: string | undefined;
  readonly nowMs: number;
  readonly random: (bytes: number) => Uint8Array;
}

function isStatic(registration: MachineRegistration): boolean {
  return Boolean(registration.spec.token?.secretName);
}

/** Of another registration whose long name was cut to this one's. */
function isOfAnother(registration: MachineRegistration, { ownerName }: RegistrationSecret): boolean {
  return !isStatic(registration) && ownerName !== undefined && ownerName !== registration.metadata.name;
}

function isLeftOver(registration: MachineRegistration, secret: RegistrationSecret): boolean {
  return !isStatic(registration) && secret.ownerUid !== undefined && secret.ownerUid !== registration.metadata.uid;
}

/** The operator made it, and a backup brought it back without its owner: it would outlive the registration. */
function isOrphan({ metadata }: MachineRegistration, secret: RegistrationSecret): boolean {
  const isOurs = secret.rotation !== undefined && secret.metadata.name === ownSecretName(metadata.name);
  return isOurs && !secret.isOwned;
}

/** The token in the status, which the original or an older operator made: media in the field carry it. */
function statusToken(registration: MachineRegistration): string | undefined {
  const token = registration.status?.registrationToken;
  return token !== undefined && isTokenText(token) ? token : undefined;
}

function wantedRotation({ spec }: MachineRegistration): number {
  return Math.min(spec.token?.rotation ?? 0, LAST_ROTATION);
}

function rotationOf(registration: MachineRegistration, secret: RegistrationSecret | undefined): number {
  return secret?.rotation ?? registration.status?.tokenRotation ?? 0;
}

/** @param secret  of the name that secretNameOf gives; undefined where there is none of the type for tokens */
export function tokenStateOf(registration: MachineRegistration, secret: RegistrationSecret | undefined): TokenState {
  const name = secretNameOf(registration);
  if (secret !== undefined && isOfAnother(registration, secret)) {
    const message = `Secret ${name} is of MachineRegistration ${secret.ownerName ?? ""}: give this one a shorter name, or spec.token.secretName`;
    return { kind: "trouble", trouble: { reason: "TokenSecretTaken", message } };
  }
  if (secret === undefined || isLeftOver(registration, secret)) {
    if (isStatic(registration)) {
      const message = `there is no Secret ${name} of type rancheros.cattle.io/registration-token in this namespace`;
      return { kind: "trouble", trouble: { reason: "TokenSecretMissing", message } };
    }
    const token = statusToken(registration);
    return token === undefined
      ? { kind: "none" }
      : { kind: "tokens", tokens: { token, previous: undefined, rotation: rotationOf(registration, undefined) } };
  }
  if (!isTokenText(secret.token)) {
    const message = `the key token of Secret ${name} must have 16 to 128 letters and digits, and no newline`;
    return { kind: "trouble", trouble: { reason: "TokenSecretInvalid", message } };
  }
  const previous = isStatic(registration) ? undefined : secret.previous;
  return { kind: "tokens", tokens: { token: secret.token, previous, rotation: rotationOf(registration, secret) } };
}

function previousAfterRotation(registration: MachineRegistration, token: string, nowMs: number) {
  const overlap = registration.spec.token?.overlap;
  const overlapMs = (overlap === undefined ? undefined : durationMs(overlap)) ?? DEFAULT_OVERLAP_MS;
  return overlapMs > 0 ? { token, expiresMs: Math.floor(nowMs + overlapMs) } : undefined;
}

function urlOf(around: TokenSurroundings, token: string): string | undefined {
  return around.serverUrl === undefined ? undefined : registrationUrl(around.serverUrl, token);
}

function firstContent(registration: MachineRegistration, around: TokenSurroundings): SecretContent {
  const old = statusToken(registration);
  const token = old ?? newRegistrationToken(around.random);
  const rotation = old === undefined ? wantedRotation(registration) : rotationOf(registration, undefined);
  return { token, registrationUrl: urlOf(around, token), previous: undefined, rotation };
}

/** The next thing to do to the operator's own Secret; one that somebody else made for spec.token.secretName is left alone. */
export function secretStep(
  registration: MachineRegistration,
  secret: RegistrationSecret | undefined,
  around: TokenSurroundings,
): SecretStep {
  if (isStatic(registration)) return { kind: "none" };
  const wanted = wantedRotation(registration);
  if (secret === undefined) return { kind: "create", content: firstContent(registration, around) };
  if (isOfAnother(registration, secret)) return { kind: "none" };
  if (isLeftOver(registration, secret)) return { kind: "delete" };
  if (!isTokenText(secret.token)) return { kind: "none" };
  const rotation = rotationOf(registration, secret);
  const isAdopted = isOrphan(registration, secret);
  if (wanted > rotation) {
    const token = newRegistrationToken(around.random);
    const previous = previousAfterRotation(registration, secret.token, around.nowMs);
    const content = { token, registrationUrl: urlOf(around, token), previous, rotation: wanted };
    return { kind: "update", content, isOnlyMoved: false, isAdopted };
  }
  const isOver = secret.previous !== undefined && secret.previous.expiresMs + LEFT_MS <= around.nowMs;
  const url = urlOf(around, secret.token) ?? secret.registrationUrl;
  if (!isOver && !isAdopted && url === secret.registrationUrl) return { kind: "none" };
  const previous = isOver ? undefined : secret.previous;
  return {
    kind: "update",
    content: { token: secret.token, registrationUrl: url, previous, rotation },
    isOnlyMoved: !isOver && !isAdopted && secret.registrationUrl !== undefined,
    isAdopted,
  };
}
