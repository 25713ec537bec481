/** What a controller remembers of an object that it watches: the object, or that it cannot be read. */
import type { KubernetesObject } from "@kubernetes/client-node";
import type { ObjectMeta, Parsed } from "@rancheros/protocol/resources";
import { unreadable, type Unreadable } from "./unreadable.ts";

export interface KeptObject<Value> extends KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly object: Value | Unreadable;
}

/** @returns what reads an object of the API server; one that cannot be read is not gone, unless nothing names it */
export function keepParsed<Value extends { readonly metadata: ObjectMeta }>(
  parse: (input: unknown) => Parsed<Value>,
): (input: unknown) => KeptObject<Value> | undefined {
  return (input) => {
    const parsed = parse(input);
    const object = parsed.ok ? parsed.value : unreadable(input, parsed.problems);
    if (object === undefined) return undefined;
    const { name, namespace, uid, resourceVersion } = object.metadata;
    return { metadata: { name, namespace, uid, resourceVersion }, object };
  };
}
