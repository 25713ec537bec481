/** Shared secrets of machines without a TPM, found by the secret or by its hash. */
import { createHash } from "node:crypto";
import type { KubernetesObject } from "@kubernetes/client-node";
import { cacertsKeyId } from "../rancherd/index.ts";

/** One Secret of type rancheros.cattle.io/token. */
export interface TokenSecret extends KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  /** Bytes as they are: a secret need not be text. */
  readonly token: Buffer;
}

function field(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

/** Reads a Secret of the API server; undefined where it has no token. */
export function tokenSecret(object: unknown): TokenSecret | undefined {
  const metadata = field(object, "metadata");
  const encoded = field(field(object, "data"), "token");
  const text = (key: string): string => {
    const value = field(metadata, key);
    return typeof value === "string" ? value : "";
  };
  const token = Buffer.from(typeof encoded === "string" ? encoded : "", "base64");
  if (token.length === 0 || text("uid") === "") return undefined;
  const { name, namespace, uid, resourceVersion } = {
    name: text("name"),
    namespace: text("namespace"),
    uid: text("uid"),
    resourceVersion: text("resourceVersion"),
  };
  return { metadata: { name, namespace, uid, resourceVersion }, token };
}

/** Looked up by hash only: how long a look-up takes tells nothing about the secret. */
function digest(token: Uint8Array): string {
  return createHash("sha256").update(token).digest("hex");
}

/** An object that was deleted and made again has another uid, but is no second one: the name is what there is one of. */
function nameOf(secret: { readonly metadata: { readonly name: string; readonly namespace: string } }): string {
  return `${secret.metadata.namespace}/${secret.metadata.name}`;
}

export class TokenSecretIndex {
  readonly #byName = new Map<string, TokenSecret>();
  /** Each by its key and then by uid. */
  readonly #byDigest = new Map<string, Map<string, TokenSecret>>();
  readonly #byKeyId = new Map<string, Map<string, TokenSecret>>();

  put(secret: TokenSecret): void {
    this.delete(secret);
    const { uid } = secret.metadata;
    this.#byName.set(nameOf(secret), secret);
    // One after the other into the same map: of one token somebody may make thousands of Secrets.
    for (const [index, key] of this.#keysOf(secret)) {
      const found = index.get(key);
      if (found === undefined) index.set(key, new Map([[uid, secret]]));
      else found.set(uid, secret);
    }
  }

  #keysOf({ token }: TokenSecret): readonly (readonly [Map<string, Map<string, TokenSecret>>, string])[] {
    return [
      [this.#byDigest, digest(token)],
      [this.#byKeyId, cacertsKeyId(token)],
    ];
  }

  delete(secret: { readonly metadata: { readonly name: string; readonly namespace: string } }): void {
    const old = this.#byName.get(nameOf(secret));
    if (old === undefined) return;
    const { uid } = old.metadata;
    this.#byName.delete(nameOf(secret));
    for (const [index, key] of this.#keysOf(old)) {
      const found = index.get(key);
      found?.delete(uid);
      if (found?.size === 0) index.delete(key);
    }
  }

  withToken(token: Uint8Array): readonly TokenSecret[] {
    return [...(this.#byDigest.get(digest(token)) ?? new Map<string, TokenSecret>()).values()];
  }

  withCacertsKeyId(keyId: string): readonly TokenSecret[] {
    return [...(this.#byKeyId.get(keyId) ?? new Map<string, TokenSecret>()).values()];
  }
}
