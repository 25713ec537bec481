/** Which registrations have their token in which Secret. */
export class SecretUsers {
  readonly #users = new Map<string, Set<string>>();
  readonly #secretOf = new Map<string, string>();

  /** @returns keys of the registrations, a list of its own */
  of(secret: string): readonly string[] {
    return [...(this.#users.get(secret) ?? [])];
  }

  /** @param secret  undefined where the registration is gone */
  set(registration: string, secret: string | undefined): void {
    const before = this.#secretOf.get(registration);
    if (before === secret) return;
    if (before !== undefined) {
      const users = this.#users.get(before);
      users?.delete(registration);
      if (users?.size === 0) this.#users.delete(before);
    }
    if (secret === undefined) {
      this.#secretOf.delete(registration);
      return;
    }
    this.#secretOf.set(registration, secret);
    const users = this.#users.get(secret);
    if (users === undefined) this.#users.set(secret, new Set([registration]));
    else users.add(registration);
  }
}
