import { existsSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { FILE_SECONDS, fileOrder } from "../../longest-first.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");

it("each file whose seconds are known is there yet", () => {
  const names = Object.keys(FILE_SECONDS);
  expect(names.length).toBeGreaterThan(50);
  expect(names.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
});

it("the longest ones begin, and of those which start containers two at a time", () => {
  const names = ["unknown", ...Object.keys(FILE_SECONDS).toReversed()];
  const order = fileOrder(names, 4);
  expect(order.toSorted()).toEqual(names.toSorted());
  expect(order.at(-1)).toBe("unknown");
  const longest = names.toSorted((one, other) => (FILE_SECONDS[other] ?? 0) - (FILE_SECONDS[one] ?? 0));
  const hasContainers = (name: string): boolean => /rollout\/|containers\/|operator-image|real-image/.test(name);
  expect(order.slice(0, 4)).toEqual([
    ...longest.filter(hasContainers).slice(0, 2),
    ...longest.filter((name) => !hasContainers(name)).slice(0, 2),
  ]);
});

it("files that start containers are all run where there are no others", () => {
  const names = ["a", "b", "c"].map((name) => `test/integration/rollout/${name}.test.ts`);
  expect(fileOrder(names, 4)).toEqual(names);
});
