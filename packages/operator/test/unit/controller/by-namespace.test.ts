import { expect, it } from "vitest";
import { ByNamespace } from "../../../src/controller/by-namespace.ts";

it("remembers objects by namespace and name, and nothing of a namespace that has none any more", () => {
  const known = new ByNamespace<number>();
  const at = (namespace: string, name: string) => ({ namespace, name });
  known.set(at("one", "a"), 1);
  known.set(at("one", "b"), 2);
  known.set(at("other", "a"), 3);
  known.set(at("one", "a"), 4);
  expect([known.size, known.namespaceCount, [...known.all()]]).toEqual([3, 2, [4, 2, 3]]);
  expect([known.get(at("one", "a")), known.get(at("other", "b")), known.get(at("none", "a"))]).toEqual([
    4,
    undefined,
    undefined,
  ]);
  expect([...known.in("one")]).toEqual([
    ["a", 4],
    ["b", 2],
  ]);
  for (const [namespace, name] of [
    ["one", "a"],
    ["one", "b"],
    ["none", "a"],
  ] as const) {
    known.delete(at(namespace, name));
  }
  expect([known.size, known.namespaceCount, [...known.in("one")]]).toEqual([1, 1, []]);
});
