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
  expect(order.slice(0, 4)).toEqual([
    "test/integration/rollout/killed-parts.test.ts",
    "test/integration/rollout/whole-rollout.test.ts",
    "test/integration/chart/release.test.ts",
    "test/integration/chart/neighbours.test.ts",
  ]);
});

it("files that start containers are all run where there are no others", () => {
  const names = ["a", "b", "c"].map((name) => `test/integration/rollout/${name}.test.ts`);
  expect(fileOrder(names, 4)).toEqual(names);
});
