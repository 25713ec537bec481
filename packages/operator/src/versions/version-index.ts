/** The ManagedOSVersions that a replica knows, for the images that name them. */
import type { ManagedOSVersion, ManagedOSVersionSpec } from "@rancheros/protocol/resources";

/** What rollouts see of them. */
export interface VersionLookup {
  find(namespace: string, name: string): ManagedOSVersionSpec | undefined;
}

export class VersionIndex implements VersionLookup {
  readonly #versions = new Map<string, ManagedOSVersion>();

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

  put(object: ManagedOSVersion): void {
    const { namespace, name } = object.metadata;
    this.#versions.set(`${namespace}/${name}`, object);
  }

  delete({ namespace, name }: { readonly namespace: string; readonly name: string }): void {
    this.#versions.delete(`${namespace}/${name}`);
  }
}

/** Where there are none. */
export const NO_VERSIONS: VersionLookup = { find: () => undefined };
