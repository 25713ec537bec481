/** Values that know which file each of them came from, and rancherd's way of merging them. */

export type OriginNode =
  | { readonly kind: "map"; readonly origin: string; readonly entries: ReadonlyMap<string, OriginNode> }
  | { readonly kind: "list"; readonly origin: string; readonly items: readonly OriginNode[] }
  | { readonly kind: "scalar"; readonly origin: string; readonly value: string | number | boolean | null };

export type OriginMap = Extract<OriginNode, { readonly kind: "map" }>;

export function emptyMap(origin: string): OriginMap {
  return { kind: "map", origin, entries: new Map() };
}

/**
 * Lists at the top are put one after the other, maps are merged all the way down, and lists inside them replaced.
 * Source: wrangler pkg/data/merge.go, MergeMapsConcatSlice
 */
export function mergeTop(base: OriginMap, overlay: OriginMap): OriginMap {
  return mergeEntries(base, overlay, (left, right) =>
    left.kind === "list" && right.kind === "list" ? { ...right, items: [...left.items, ...right.items] } : right,
  );
}

function mergeEntries(
  base: OriginMap,
  overlay: OriginMap,
  otherwise: (left: OriginNode, right: OriginNode) => OriginNode,
): OriginMap {
  const entries = new Map(base.entries);
  for (const [key, right] of overlay.entries) {
    const left = entries.get(key);
    if (left === undefined) entries.set(key, right);
    else if (left.kind === "map" && right.kind === "map") {
      entries.set(
        key,
        mergeEntries(left, right, (_left, inner) => inner),
      );
    } else entries.set(key, otherwise(left, right));
  }
  return { kind: "map", origin: overlay.origin, entries };
}

/** The same without origins. */
export function plainValue(node: OriginNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plainValue);
  return Object.fromEntries([...node.entries].map(([key, inner]) => [key, plainValue(inner)]));
}

/** @param value  of JSON: what is none is refused. @throws RangeError for what JSON cannot say, or what is nested too deep */
export function withOrigin(value: unknown, origin: string, depth = 0): OriginNode {
  if (depth > MAX_DEPTH) throw new RangeError(`it is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) {
    return { kind: "list", origin, items: value.map((item) => withOrigin(item, origin, depth + 1)) };
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => [key, withOrigin(inner, origin, depth + 1)] as const);
    return { kind: "map", origin, entries: new Map(entries) };
  }
  if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("a number is not finite");
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null) {
    return { kind: "scalar", origin, value };
  }
  throw new RangeError(`it holds a ${typeof value}`);
}

const MAX_DEPTH = 64;

export interface Leaf {
  /** As `discovery.params.provider` or `labels[0]`. */
  readonly path: string;
  readonly value: unknown;
  readonly origin: string;
}

/** What stands in the tree, one line each: scalars, and maps and lists that are empty. */
export function leavesOf(node: OriginNode, path = ""): readonly Leaf[] {
  if (node.kind === "map" && node.entries.size > 0) {
    return [...node.entries].flatMap(([key, inner]) => leavesOf(inner, path === "" ? key : `${path}.${key}`));
  }
  if (node.kind === "list" && node.items.length > 0) {
    return node.items.flatMap((item, index) => leavesOf(item, `${path}[${index}]`));
  }
  if (path === "") return [];
  return [{ path, value: plainValue(node), origin: node.origin }];
}
