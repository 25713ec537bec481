/** The names of an object, whatever else is wrong with it. */

/** What names an object; of a cluster-wide one the namespace is empty. */
export interface NamedObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string };
}

/** @param object  of the API server, or anything: what is not there is empty */
export function namedObject(object: unknown): NamedObject {
  const metadata: unknown =
    typeof object === "object" && object !== null && "metadata" in object ? object.metadata : undefined;
  const text = (key: string): string => {
    const value: unknown = typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, key) : undefined;
    return typeof value === "string" ? value : "";
  };
  return {
    metadata: { name: text("name"), namespace: text("namespace"), resourceVersion: text("resourceVersion") },
  };
}
