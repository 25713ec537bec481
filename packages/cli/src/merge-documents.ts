/** One cloud-config of those that a medium and its configUrl give. */
import { isMap } from "@rancheros/agent/install";

/**
 * Lists at the top (users, keys, commands) stand one after the other, maps are merged all the way down; of anything else,
 * and of lists within a map, the later one counts.
 * Source: wrangler pkg/data/merge.go, MergeMapsConcatSlice, by which the original's installer joined the same two
 * @param documents  the most important one last
 */
export function mergeDocuments(
  documents: readonly Readonly<Record<string, unknown>>[],
): Readonly<Record<string, unknown>> {
  const joined = (left: unknown, right: unknown): unknown =>
    isList(left) && isList(right) ? [...left, ...right] : right;
  return documents.reduce((all, one) => mergeEntries(all, one, joined), {});
}

function mergeEntries(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
  otherwise: (left: unknown, right: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  const entries = new Map(Object.entries(base));
  for (const [key, right] of Object.entries(over)) {
    const left = entries.get(key);
    if (!entries.has(key)) entries.set(key, right);
    else if (isPlain(left) && isPlain(right))
      entries.set(
        key,
        mergeEntries(left, right, (_left, inner) => inner),
      );
    else entries.set(key, otherwise(left, right));
  }
  // Not by assignment: `__proto__` is a key like any other here.
  return Object.fromEntries(entries);
}

/** The bytes of a `!!binary` are a value, not a map of numbers. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return isMap(value) && !(value instanceof Uint8Array);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
