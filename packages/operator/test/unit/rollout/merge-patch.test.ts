/** A merge patch makes of what is stored exactly what is wanted. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergePatch } from "../../../src/rollout/merge-patch.ts";
import { canonicalJson } from "../../../src/rollout/plan-id.ts";

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As the API server does it: RFC 7396, section 2. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result = new Map(isMap(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  }
  return Object.fromEntries(result);
}

describe("mergePatch", () => {
  it("takes away what the version before had and the next one has not", () => {
    const before = {
      version: { name: "v1", spec: { version: "v1", minVersion: "v0", metadata: { a: 1 } } },
      plan: "p",
    };
    const next = { version: { name: "v2", spec: { version: "v2", metadata: { b: 2 } } }, plan: "p" };
    expect(mergePatch(before, next)).toEqual({
      version: { name: "v2", spec: { version: "v2", minVersion: null, metadata: { a: null, b: 2 } } },
    });
  });

  it("leads from any object to any other, and is empty where they are equal", () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer(), { maxLength: 2 }));
    const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
      tree: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.oneof({ depthSize: "small" }, leaf, tie("tree")), {
        maxKeys: 3,
      }),
    }));
    fc.assert(
      fc.property(tree, tree, (before, next) => {
        expect(canonicalJson(merged(before, mergePatch(before, next)))).toBe(canonicalJson(next));
        expect(mergePatch(next, next)).toEqual({});
      }),
    );
  });
});
