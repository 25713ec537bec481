/** The Secret that holds a registration's token: read, named, and written anew. */
import { createHash } from "node:crypto";
import type { KubernetesObject } from "@kubernetes/client-node";
import {
  API_GROUP,
  GROUP_VERSION,
  machineRegistration,
  REGISTRATION_TOKEN_SECRET_TYPE,
  type MachineRegistration,
} from "@rancheros/protocol/resources";

/** Annotation on the Secret: the rotation that its token was made for; written together with the token. */
const ROTATION_ANNOTATION = `${API_GROUP}/token-rotation`;
const NAME_PREFIX = "registration-";
const NAME_LIMIT = 253;
const HASH_DIGITS = 12;
/** What may be a registration token, whoever made it. */
const TOKEN = /^[A-Za-z0-9]{16,128}$/;

export interface PreviousToken {
  readonly token: string;
  readonly expiresMs: number;
}

/** One Secret of type rancheros.cattle.io/registration-token. */
export interface RegistrationSecret extends KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  /** Of the MachineRegistration that it was made for; undefined where somebody made it by hand. */
  readonly ownerUid: string | undefined;
  readonly ownerName: string | undefined;
  /** Whether it goes with anything, whatever that is. */
  readonly isOwned: boolean;
  /** As it stands there, which may be no token at all. */
  readonly token: string;
  readonly registrationUrl: string | undefined;
  readonly previous: PreviousToken | undefined;
  readonly rotation: number | undefined;
}

/** What a Secret of ours is to hold. */
export interface SecretContent {
  readonly token: string;
  readonly registrationUrl: string | undefined;
  readonly previous: PreviousToken | undefined;
  readonly rotation: number;
}

function field(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null && Object.hasOwn(holder, key)
    ? Reflect.get(holder, key)
    : undefined;
}

function text(holder: unknown, key: string): string {
  const value = field(holder, key);
  return typeof value === "string" ? value : "";
}

function ownerOf(metadata: unknown): Pick<RegistrationSecret, "ownerUid" | "ownerName" | "isOwned"> {
  const owners = field(metadata, "ownerReferences");
  const all: readonly unknown[] = Array.isArray(owners) ? owners : [];
  const owner = all.find((one) => text(one, "kind") === machineRegistration.kind);
  const [ownerUid, ownerName] = [text(owner, "uid") || undefined, text(owner, "name") || undefined];
  return { ownerUid, ownerName, isOwned: all.length > 0 };
}

/** Reads a Secret of the API server; undefined where it is of another type. */
export function registrationSecret(object: unknown): RegistrationSecret | undefined {
  const metadata = field(object, "metadata");
  if (text(object, "type") !== REGISTRATION_TOKEN_SECRET_TYPE || text(metadata, "uid") === "") return undefined;
  const decoded = (key: string): string => Buffer.from(text(field(object, "data"), key), "base64").toString();
  const expiresMs = Date.parse(decoded("previousTokenExpiresAt"));
  const rotation = Number.parseInt(text(field(metadata, "annotations"), ROTATION_ANNOTATION), 10);
  return {
    metadata: {
      name: text(metadata, "name"),
      namespace: text(metadata, "namespace"),
      uid: text(metadata, "uid"),
      resourceVersion: text(metadata, "resourceVersion"),
    },
    ...ownerOf(metadata),
    token: decoded("token"),
    registrationUrl: decoded("registrationURL") || undefined,
    previous:
      isTokenText(decoded("previousToken")) && Number.isFinite(expiresMs)
        ? { token: decoded("previousToken"), expiresMs }
        : undefined,
    // Not only a safe one: a number that was written and is not read would be a reason to make the next token.
    rotation: Number.isInteger(rotation) ? rotation : undefined,
  };
}

/** Whether a text may be a registration token: 16 to 128 letters and digits. */
export function isTokenText(value: string): boolean {
  return TOKEN.test(value);
}

/** SHA-256 of a token, hex: what tokens are compared and looked up by, so that timing says nothing. */
export function tokenDigest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Name of the Secret that the operator makes. */
export function ownSecretName(registrationName: string): string {
  const name = NAME_PREFIX + registrationName;
  if (name.length <= NAME_LIMIT) return name;
  const hash = createHash("sha256").update(registrationName).digest("hex").slice(0, HASH_DIGITS);
  return `${name.slice(0, NAME_LIMIT - HASH_DIGITS - 1).replace(/[^a-z0-9]$/, "x")}-${hash}`;
}

/** Name of the Secret that this registration's token is in. */
export function secretNameOf(registration: MachineRegistration): string {
  return registration.spec.token?.secretName || ownSecretName(registration.metadata.name);
}

/** The fields of a Secret that hold this content; what it does not say is taken away. */
export function secretFields(content: SecretContent) {
  const encode = (value: string | undefined): string | null =>
    value === undefined ? null : Buffer.from(value).toString("base64");
  return {
    annotations: { [ROTATION_ANNOTATION]: String(content.rotation) },
    data: {
      token: encode(content.token),
      registrationURL: encode(content.registrationUrl),
      previousToken: encode(content.previous?.token),
      previousTokenExpiresAt: encode(
        content.previous === undefined ? undefined : new Date(content.previous.expiresMs).toISOString(),
      ),
    },
  };
}

/** With them the Secret goes when its registration goes. */
export function ownerReferences({ metadata: { name, uid } }: MachineRegistration) {
  return [{ apiVersion: GROUP_VERSION, kind: machineRegistration.kind, name, uid }];
}

/** A whole new Secret, which goes when its registration goes. */
export function newSecret(registration: MachineRegistration, content: SecretContent) {
  const { namespace, name } = registration.metadata;
  const { annotations, data } = secretFields(content);
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: REGISTRATION_TOKEN_SECRET_TYPE,
    metadata: {
      name: ownSecretName(name),
      namespace,
      annotations,
      ownerReferences: ownerReferences(registration),
    },
    data: Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null)),
  };
}
