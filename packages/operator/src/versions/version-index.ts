/** The ManagedOSVersions that a replica knows, for the images that name them. */
import type { ManagedOSVersion, ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { GoneUids } from "../controller/index.ts";

/** What rollouts see of them. */
export interface VersionLookup {
  find(namespace: string, name: string): ManagedOSVersionSpec | undefined;
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

export class VersionIndex implements VersionLookup {
  readonly #versions = new Map<string, ManagedOSVersion>();
  readonly #gone = new GoneUids();

  find(namespace: string, name: string): ManagedOSVersionSpec | undefined {
    return this.get(`${namespace}/${name}`)?.spec;
  }

  get(key: string): ManagedOSVersion | undefined {
    return this.#versions.get(key);
  }

  all(): Iterable<ManagedOSVersion> {
    return this.#versions.values();
  }

  keys(): readonly string[] {
    return [...this.#versions.keys()];
  }

  /** As the watch shows it. */
  put(object: ManagedOSVersion): void {
    const { namespace, name, uid } = object.metadata;
    this.#gone.delete(uid);
    this.#versions.set(`${namespace}/${name}`, object);
  }

  /** As a request was answered: of one that was seen to go meanwhile it is void. @returns whether it is not */
  renew(object: ManagedOSVersion): boolean {
    if (this.#gone.has(object.metadata.uid)) return false;
    this.put(object);
    return true;
  }

  /** The watch shows that it is gone. */
  lose(named: Named): void {
    const known = this.get(`${named.namespace}/${named.name}`);
    if (known !== undefined) this.#gone.add(known.metadata.uid);
    this.delete(named);
  }

  /** It cannot be read. */
  delete({ namespace, name }: Named): void {
    this.#versions.delete(`${namespace}/${name}`);
  }
}

/** Where there are none. */
export const NO_VERSIONS: VersionLookup = { find: () => undefined };
