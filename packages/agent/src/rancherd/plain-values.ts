/** Values as JSON has them: compared whatever the order of their keys, and changed at a path. */
import { createHash } from "node:crypto";

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of a value whatever the order of its keys. */
export function hashOf(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)) ?? "")
    .digest("hex");
}

export function isSameValue(one: unknown, other: unknown): boolean {
  return hashOf(one) === hashOf(other);
}

export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isMap(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
    value,
  );
}

/** @returns a copy; what is no map on the way becomes one */
export function withValue(
  map: unknown,
  [key = "", ...below]: readonly string[],
  value: unknown,
): Readonly<Record<string, unknown>> {
  const there = isMap(map) ? map : {};
  return { ...there, [key]: below.length === 0 ? value : withValue(there[key], below, value) };
}

/** @returns a copy, or the same where there is nothing at the path */
export function withoutValue(
  map: Readonly<Record<string, unknown>>,
  [key = "", ...below]: readonly string[],
): Readonly<Record<string, unknown>> {
  const inner = map[key];
  if (below.length > 0) return isMap(inner) ? { ...map, [key]: withoutValue(inner, below) } : map;
  return Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}
