/** Which registrations have which tokens, by the tokens' digests; a change costs the same however many share one. */
import type { RegistrationTokens } from "./registration-tokens.ts";
import { tokenDigest } from "./token-secret.ts";

/** Where more share a token, each of them shares it before and after one comes or goes. */
const TOLD_MAX = 8;

interface Holder {
  readonly key: string;
  /** Of a token before a rotation. */
  readonly expiresMs: number | undefined;
}

export class TokenHolders {
  /** By digest and then by the registration's key. */
  readonly #byDigest = new Map<string, Map<string, Holder>>();
  readonly #digests = new Map<string, readonly string[]>();

  /**
   * @param tokens  undefined where the registration has none, or is gone
   * @returns       keys of the others for which it may have become another thing whether they share a token
   */
  set(key: string, tokens: RegistrationTokens | undefined): readonly string[] {
    const touched = new Set<string>();
    for (const digest of this.#digests.get(key) ?? []) this.#remove(digest, key, touched);
    const digests: string[] = [];
    const add = (token: string, expiresMs: number | undefined): void => {
      const digest = tokenDigest(token);
      if (digests.includes(digest)) return;
      digests.push(digest);
      this.#add(digest, { key, expiresMs }, touched);
    };
    if (tokens !== undefined) add(tokens.token, undefined);
    if (tokens?.previous !== undefined) add(tokens.previous.token, tokens.previous.expiresMs);
    if (digests.length === 0) this.#digests.delete(key);
    else this.#digests.set(key, digests);
    return [...touched];
  }

  /** Undefined where nobody has the token, or several have. */
  onlyHolder(digest: string, nowMs: number): Holder | undefined {
    let only: Holder | undefined;
    for (const holder of this.#valid(digest, nowMs)) {
      if (only !== undefined) return undefined;
      only = holder;
    }
    return only;
  }

  /** Whether another registration has one of this one's tokens. */
  isShared(key: string, nowMs: number): boolean {
    return (this.#digests.get(key) ?? []).some((digest) => this.#isSharedBy(key, digest, nowMs));
  }

  #isSharedBy(key: string, digest: string, nowMs: number): boolean {
    const own = this.#byDigest.get(digest)?.get(key);
    if (own === undefined || !isValid(own, nowMs)) return false;
    for (const holder of this.#valid(digest, nowMs)) if (holder.key !== key) return true;
    return false;
  }

  *#valid(digest: string, nowMs: number): Iterable<Holder> {
    for (const holder of this.#byDigest.get(digest)?.values() ?? []) if (isValid(holder, nowMs)) yield holder;
  }

  #add(digest: string, holder: Holder, touched: Set<string>): void {
    const holders = this.#byDigest.get(digest);
    if (holders === undefined) {
      this.#byDigest.set(digest, new Map([[holder.key, holder]]));
      return;
    }
    note(holders, touched);
    holders.set(holder.key, holder);
  }

  #remove(digest: string, key: string, touched: Set<string>): void {
    const holders = this.#byDigest.get(digest);
    holders?.delete(key);
    if (holders?.size === 0) this.#byDigest.delete(digest);
    else if (holders !== undefined) note(holders, touched);
  }
}

function isValid({ expiresMs }: Holder, nowMs: number): boolean {
  return expiresMs === undefined || expiresMs > nowMs;
}

function note(others: ReadonlyMap<string, Holder>, touched: Set<string>): void {
  if (others.size <= TOLD_MAX) for (const key of others.keys()) touched.add(key);
}
