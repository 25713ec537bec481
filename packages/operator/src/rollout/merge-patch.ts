/** What differs between two objects, as a JSON merge patch (RFC 7396). */
import { isJsonObject } from "@rancheros/protocol/messages";
import { canonicalJson } from "./plan-id.ts";

/**
 * What makes the one of the other: null takes away what is not there any more, also within objects, which the API
 * server merges field by field. Lists are replaced.
 */
export function mergePatch(before: object, next: object): Readonly<Record<string, unknown>> {
  const old = new Map<string, unknown>(Object.entries(before));
  const wanted = new Map<string, unknown>(Object.entries(next));
  const keys = new Set([...old.keys(), ...wanted.keys()]);
  const changed = [...keys].filter((key) => canonicalJson(old.get(key)) !== canonicalJson(wanted.get(key)));
  return Object.fromEntries(
    changed.map((key): readonly [string, unknown] => {
      const [was, is] = [old.get(key), wanted.get(key)];
      return [key, isJsonObject(was) && isJsonObject(is) ? mergePatch(was, is) : (is ?? null)];
    }),
  );
}
