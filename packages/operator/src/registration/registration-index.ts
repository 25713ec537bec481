/** MachineRegistrations, found by the hash of their tokens. */
import type { KubernetesObject } from "@kubernetes/client-node";
import { parseMachineRegistration, type MachineRegistration } from "@rancheros/protocol/resources";
import { GoneUids } from "../controller/index.ts";
import { RegistrationRefusedError, type RegistrationRefusal } from "./errors.ts";
import { isExpired } from "./reconcile-registration.ts";
import { tokenStateOf, type TokenState } from "./registration-tokens.ts";
import { SecretUsers } from "./secret-users.ts";
import { TokenHolders } from "./token-holders.ts";
import { secretNameOf, tokenDigest, type RegistrationSecret } from "./token-secret.ts";
import { unreadRegistration, type UnreadRegistration } from "./unread-registration.ts";

/** One remembered MachineRegistration, in the form that list and watch need. */
export interface RegistrationEntry extends KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  /** Of one that cannot be read, what is known of it all the same. */
  readonly registration: MachineRegistration;
  /** Undefined where it can be read. */
  readonly unread: UnreadRegistration | undefined;
}

/** Reads an object of the API server; undefined where nothing is to be known of it. */
export function registrationEntry(object: unknown): RegistrationEntry | undefined {
  const parsed = parseMachineRegistration(object);
  const unread = parsed.ok ? undefined : unreadRegistration(object, parsed.problems);
  const registration = parsed.ok ? parsed.value : unread?.known;
  if (registration === undefined) return undefined;
  const { name, namespace, uid, resourceVersion } = registration.metadata;
  return { metadata: { name, namespace, uid, resourceVersion }, registration, unread };
}

/** The key of an object: namespace, slash, name. */
export function keyOf(metadata: { readonly namespace: string; readonly name: string }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** What names an object. */
interface NamedEntry {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** What a token opens, or why it opens nothing. */
export type TokenAnswer =
  | {
      readonly registration: MachineRegistration;
      /** Whether it is the token before the last rotation, whose time runs out. */
      readonly byPreviousToken: boolean;
    }
  | { readonly refusal: RegistrationRefusal; readonly registration?: MachineRegistration };

/** Why nobody registers here whatever his token is; undefined where the registration is open. */
export function closedBecause(registration: MachineRegistration, nowMs: number): RegistrationRefusal | undefined {
  if (registration.spec.disabled === true) return "REGISTRATION_DISABLED";
  return isExpired(registration, nowMs) ? "REGISTRATION_EXPIRED" : undefined;
}

function secretKeyOf(registration: MachineRegistration): string {
  return keyOf({ namespace: registration.metadata.namespace, name: secretNameOf(registration) });
}

interface Versioned {
  readonly metadata: { readonly resourceVersion: string };
}

function isOlder({ metadata }: Versioned, than: Versioned): boolean {
  return Number(metadata.resourceVersion) < Number(than.metadata.resourceVersion);
}

export class RegistrationIndex {
  readonly #byKey = new Map<string, RegistrationEntry>();
  readonly #secrets = new Map<string, RegistrationSecret>();
  readonly #goneSecrets = new GoneUids();
  readonly #tokens = new TokenHolders();
  readonly #users = new SecretUsers();

  /** As the watch shows it. @returns keys of the other registrations with which it shares or shared a token */
  put(entry: RegistrationEntry): readonly string[] {
    const key = keyOf(entry.metadata);
    this.#byKey.set(key, entry);
    return this.#rehash(key);
  }

  /** What a write of ours was answered: void where the watch has shown meanwhile what came after it. */
  renew(entry: RegistrationEntry): readonly string[] {
    const known = this.#byKey.get(keyOf(entry.metadata));
    const isOfNow = known?.metadata.uid === entry.metadata.uid && !isOlder(entry, known);
    return isOfNow ? this.put(entry) : [];
  }

  /** @returns keys of the other registrations with which it shared a token */
  delete(entry: NamedEntry): readonly string[] {
    const key = keyOf(entry.metadata);
    this.#byKey.delete(key);
    return this.#rehash(key);
  }

  /** As the watch shows it. @returns keys of the registrations that this is about */
  putSecret(secret: RegistrationSecret): readonly string[] {
    const known = this.#secrets.get(keyOf(secret.metadata));
    if (known !== undefined && known.metadata.uid !== secret.metadata.uid) this.#goneSecrets.add(known.metadata.uid);
    this.#goneSecrets.delete(secret.metadata.uid);
    this.#secrets.set(keyOf(secret.metadata), secret);
    return this.#rehashUsersOf(secret);
  }

  /** What a request of ours was answered: void where the watch has shown meanwhile what came after it. */
  renewSecret(secret: RegistrationSecret): readonly string[] {
    const known = this.#secrets.get(keyOf(secret.metadata));
    const isOver = this.#goneSecrets.has(secret.metadata.uid) || (known !== undefined && isOlder(secret, known));
    return isOver ? [] : this.putSecret(secret);
  }

  /** @returns keys of the registrations that this is about */
  deleteSecret(secret: NamedEntry): readonly string[] {
    const known = this.#secrets.get(keyOf(secret.metadata));
    if (known !== undefined) this.#goneSecrets.add(known.metadata.uid);
    this.#secrets.delete(keyOf(secret.metadata));
    return this.#rehashUsersOf(secret);
  }

  /** This very Secret is not there any more; there may be another one of its name meanwhile. */
  loseSecret(secret: RegistrationSecret): readonly string[] {
    const known = this.#secrets.get(keyOf(secret.metadata));
    return known?.metadata.uid === secret.metadata.uid ? this.deleteSecret(secret) : [];
  }

  /** The one that can be read. */
  get(key: string): MachineRegistration | undefined {
    const entry = this.#byKey.get(key);
    return entry?.unread === undefined ? entry?.registration : undefined;
  }

  /**
   * Whose spec.attestation counts for a machine that goes on; undefined where there is no such registration.
   * @throws RegistrationRefusedError  REGISTRATION_UNREADABLE where nobody can tell what it demands
   */
  judging(key: string): Pick<MachineRegistration, "spec"> | undefined {
    const entry = this.#byKey.get(key);
    if (entry?.unread?.isAttestationKnown === false) throw new RegistrationRefusedError("REGISTRATION_UNREADABLE");
    return entry?.registration;
  }

  keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  /** The Secret that this registration's token is in, as far as the watch has shown it. */
  secretOf(registration: MachineRegistration): RegistrationSecret | undefined {
    return this.#secrets.get(secretKeyOf(registration));
  }

  stateOf(registration: MachineRegistration): TokenState {
    return tokenStateOf(registration, this.secretOf(registration));
  }

  /** Whether another registration has one of this one's tokens. */
  isShared(key: string, nowMs: number): boolean {
    return this.#tokens.isShared(key, nowMs);
  }

  /** Whether the maximum of machines is reached is asked of MachineLimit, when it is known who the machine is. */
  withToken(token: string, nowMs: number): TokenAnswer {
    return this.withTokenDigest(tokenDigest(token), nowMs);
  }

  /** The same for who remembers a token without knowing it. @param digest  see tokenDigest */
  withTokenDigest(digest: string, nowMs: number): TokenAnswer {
    const holder = this.#tokens.onlyHolder(digest, nowMs);
    const entry = holder === undefined ? undefined : this.#byKey.get(holder.key);
    if (holder === undefined || entry === undefined || entry.registration.metadata.deletionTimestamp) {
      return { refusal: "REGISTRATION_UNKNOWN" };
    }
    const { registration, unread } = entry;
    const refusal = unread === undefined ? closedBecause(registration, nowMs) : "REGISTRATION_UNREADABLE";
    if (refusal !== undefined) return { refusal, registration };
    return { registration, byPreviousToken: holder.expiresMs !== undefined };
  }

  #rehashUsersOf(secret: NamedEntry): readonly string[] {
    const touched = new Set<string>();
    for (const key of this.#users.of(keyOf(secret.metadata))) {
      touched.add(key);
      for (const other of this.#rehash(key)) touched.add(other);
    }
    return [...touched];
  }

  #rehash(key: string): readonly string[] {
    const registration = this.#byKey.get(key)?.registration;
    this.#users.set(key, registration === undefined ? undefined : secretKeyOf(registration));
    const state = registration === undefined ? undefined : this.stateOf(registration);
    return this.#tokens.set(key, state?.kind === "tokens" ? state.tokens : undefined);
  }
}
