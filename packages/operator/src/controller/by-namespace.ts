/** What is remembered of objects, by their namespaces and names: of a namespace without any there is nothing. */

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

export interface Named {
  readonly namespace: string;
  readonly name: string;
}

export class ByNamespace<Value> {
  readonly #namespaces = new Map<string, Map<string, Value>>();

  /** How many objects there are. */
  get size(): number {
    let size = 0;
    for (const { size: more } of this.#namespaces.values()) size += more;
    return size;
  }

  /** How many namespaces have any. */
  get namespaceCount(): number {
    return this.#namespaces.size;
  }

  /** By name. */
  in(namespace: string): ReadonlyMap<string, Value> {
    return this.#namespaces.get(namespace) ?? NONE;
  }

  get({ namespace, name }: Named): Value | undefined {
    return this.in(namespace).get(name);
  }

  *all(): Iterable<Value> {
    for (const named of this.#namespaces.values()) yield* named.values();
  }

  set({ namespace, name }: Named, value: Value): void {
    const found = this.#namespaces.get(namespace);
    if (found === undefined) this.#namespaces.set(namespace, new Map([[name, value]]));
    else found.set(name, value);
  }

  delete({ namespace, name }: Named): void {
    const found = this.#namespaces.get(namespace);
    found?.delete(name);
    if (found?.size === 0) this.#namespaces.delete(namespace);
  }
}
