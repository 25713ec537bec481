/** MachineRegistrations, found by their token. */
import type { KubernetesObject } from "@kubernetes/client-node";
import { parseMachineRegistration, type MachineRegistration } from "@rancheros/protocol/resources";

/** One remembered MachineRegistration, in the form that list and watch need. */
export interface RegistrationEntry extends KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly registration: MachineRegistration;
}

/**
 * Reads an object of the API server.
 * @param onNonsense  told of an object that the schema does not take, which it was stored before
 */
export function registrationEntry(
  object: unknown,
  onNonsense: (problems: readonly string[], key: string) => void,
): RegistrationEntry | undefined {
  const parsed = parseMachineRegistration(object);
  if (!parsed.ok) {
    onNonsense(parsed.problems, namedIn(object));
    return undefined;
  }
  const { name, namespace, uid, resourceVersion } = parsed.value.metadata;
  return { metadata: { name, namespace, uid, resourceVersion }, registration: parsed.value };
}

function namedIn(object: unknown): string {
  const metadata: unknown = typeof object === "object" && object !== null ? Reflect.get(object, "metadata") : undefined;
  if (typeof metadata !== "object" || metadata === null) return "";
  return `${String(Reflect.get(metadata, "namespace"))}/${String(Reflect.get(metadata, "name"))}`;
}

/** The key of an object: namespace, slash, name. */
export function keyOf(metadata: { readonly namespace: string; readonly name: string }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** What names an object. */
interface NamedEntry {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

export class RegistrationIndex {
  readonly #byKey = new Map<string, RegistrationEntry>();
  readonly #byToken = new Map<string, readonly RegistrationEntry[]>();

  put(entry: RegistrationEntry): void {
    this.delete(entry);
    this.#byKey.set(keyOf(entry.metadata), entry);
    const token = entry.registration.status?.registrationToken;
    if (token) this.#byToken.set(token, [...(this.#byToken.get(token) ?? []), entry]);
  }

  delete(entry: NamedEntry): void {
    const key = keyOf(entry.metadata);
    const token = this.#byKey.get(key)?.registration.status?.registrationToken;
    this.#byKey.delete(key);
    if (token === undefined) return;
    const left = (this.#byToken.get(token) ?? []).filter((one) => keyOf(one.metadata) !== key);
    if (left.length === 0) this.#byToken.delete(token);
    else this.#byToken.set(token, left);
  }

  get(key: string): MachineRegistration | undefined {
    return this.#byKey.get(key)?.registration;
  }

  keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  /** The registration with this token; undefined where there is none, and where several have the same one. */
  withToken(token: string): MachineRegistration | undefined {
    const found = this.#byToken.get(token) ?? [];
    return found.length === 1 && !found[0]?.registration.metadata.deletionTimestamp
      ? found[0]?.registration
      : undefined;
  }
}
