/** What the next version of a machine has in common with the one before, and with other machines, is held in memory once. */
import type { InventoryEntry } from "./inventory-entry.ts";
import type { RolloutFacts, UpgradeFacts } from "./rollout-facts.ts";

/** Digests, plans, messages and the like: beyond that they are held where they came. */
const TEXTS_MAX = 2_000;

/** @returns the one that was there before, where they are equal */
function same(now: string, before: string | undefined): string {
  return now === before ? before : now;
}

/** The same, where there may be none. */
function sameOrNone(now: string | undefined, before: string | undefined): string | undefined {
  return now === before ? before : now;
}

type Texts = Readonly<Record<string, string>>;

function sameTexts(now: Texts, before: Texts): Texts {
  const keys = Object.keys(now);
  const isSame = keys.length === Object.keys(before).length && keys.every((key) => now[key] === before[key]);
  return isSame ? before : now;
}

export class HeldOnce {
  readonly #texts = new Map<string, string>();

  /**
   * @param before  the same machine, as it was known until now
   * @returns       an equal one
   */
  entry(seen: InventoryEntry, before: InventoryEntry | undefined): InventoryEntry {
    const known = before?.metadata.uid === seen.metadata.uid ? before : undefined;
    return {
      ...seen,
      metadata: this.#metadata(seen.metadata, known?.metadata),
      firstRevision: known?.firstRevision ?? seen.firstRevision,
      createdAt: same(seen.createdAt, known?.createdAt),
      ekHash: sameOrNone(seen.ekHash, known?.ekHash),
      certificateSha256: sameOrNone(seen.certificateSha256, known?.certificateSha256),
      challenge: sameOrNone(seen.challenge, known?.challenge),
      registrationName: this.#shared(seen.registrationName, known?.registrationName),
      rollout: this.#facts(seen.rollout, known?.rollout),
    };
  }

  #metadata(now: InventoryEntry["metadata"], before: InventoryEntry["metadata"] | undefined) {
    return {
      name: same(now.name, before?.name),
      namespace: this.#text(now.namespace, before?.namespace),
      uid: same(now.uid, before?.uid),
      resourceVersion: now.resourceVersion,
    };
  }

  #facts(now: RolloutFacts, before: RolloutFacts | undefined): RolloutFacts {
    return {
      ...now,
      clusterName: this.#shared(now.clusterName, before?.clusterName),
      role: this.#shared(now.role, before?.role),
      labels: before === undefined ? now.labels : sameTexts(now.labels, before.labels),
      nodeName: sameOrNone(now.nodeName, before?.nodeName),
      osVersion: this.#shared(now.osVersion, before?.osVersion),
      upgrade: now.upgrade === undefined ? undefined : this.#upgrade(now.upgrade, before?.upgrade),
    };
  }

  #upgrade(now: UpgradeFacts, before: UpgradeFacts | undefined): UpgradeFacts {
    return {
      ...now,
      image: this.#shared(now.image, before?.image),
      plan: this.#shared(now.plan, before?.plan),
      digest: this.#shared(now.digest, before?.digest),
      reason: this.#shared(now.reason, before?.reason),
      message: this.#shared(now.message, before?.message),
      retry: this.#shared(now.retry, before?.retry),
    };
  }

  #shared(now: string | undefined, before: string | undefined): string | undefined {
    return now === undefined ? undefined : this.#text(now, before);
  }

  #text(now: string, before: string | undefined): string {
    if (now === before) return before;
    const held = this.#texts.get(now);
    if (held !== undefined) return held;
    // Who holds a text keeps it.
    if (this.#texts.size >= TEXTS_MAX) this.#texts.clear();
    this.#texts.set(now, now);
    return now;
  }
}
