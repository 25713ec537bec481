/** Which of two versions of one object is the later one: answers and watches overtake each other. */

interface Version {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Objects whose version is one of a history that the API server was taken back from. */
export class OutdatedVersions {
  readonly #uids = new Set<string>();

  /** What it shows next of these is later, whatever its version. */
  add(uids: Iterable<string>): void {
    for (const uid of uids) this.#uids.add(uid);
  }

  has(uid: string): boolean {
    return this.#uids.has(uid);
  }

  forget(uid: string): void {
    this.#uids.delete(uid);
  }

  /** @param known  of the same object. Where the other one is to be taken in its place, that is outdated no more */
  isOlder({ uid, resourceVersion }: Version, known: Version): boolean {
    // What is looked at once more for another reason is no news of it.
    if (resourceVersion === known.resourceVersion) return false;
    return !this.#uids.delete(uid) && Number(resourceVersion) < Number(known.resourceVersion);
  }
}
