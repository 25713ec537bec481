/** What a drain says while it waits, from the events of one of a fake cluster's node in virtual time. */
import { expect, it } from "vitest";

import type { FakePod } from "../drain/fake-cluster.ts";
import { drain, pod } from "../drain/drain.ts";
import { DrainSummary } from "../../../src/upgrade/drain-summary.ts";
import type { DrainProgress } from "../../../src/upgrade/ports.ts";

type Told = readonly [event: string, progress: DrainProgress | undefined];

async function toldOf(pods: readonly FakePod[], away: readonly (readonly [number, number])[] = []) {
  const summary = new DrainSummary();
  const { events } = await drain(pods, { away });
  const told = events.map((event): Told => [event.kind, summary.note(event)]);
  const lines = told.flatMap(([, progress]) => progress?.line ?? []);
  const summaries = told.flatMap(([, progress]) => progress?.summary ?? []);
  const after = (kind: string): string | undefined =>
    summaries[told.slice(0, told.findLastIndex(([one]) => one === kind) + 1).filter(([, one]) => one).length - 1];
  return { lines, summaries, after };
}

const held = (name: string): string =>
  `the PodDisruptionBudget pdb does not let ns/${name} go: The disruption budget pdb needs 1 healthy pods and has 1 currently`;

it("names the pods that are left, and none that is gone", async () => {
  const { summaries } = await toldOf([pod("a", { heldTimes: 2 }), pod("b", { endsAfterMs: 60_000 })]);
  expect(summaries.filter((one, at) => one !== summaries[at - 1])).toEqual([
    "draining: the pods are looked at",
    "draining: 1 pod left",
    "draining: 2 pods left",
    `draining: 2 pods left: ${held("a")}`,
    "draining: 2 pods left: ns/a is ending",
    "draining: 1 pod left: ns/b is ending",
    "draining: no pods left",
  ]);
});

it("does not go on saying that the API server is away once it has answered", async () => {
  const { lines, summaries, after } = await toldOf([pod("a", { endsAfterMs: 60_000 })], [[20_000, 40_000]]);
  expect(summaries).toContain("draining: 1 pod left: nobody there");
  expect(after("answered")).toBe("draining: 1 pod left: ns/a is ending");
  expect(lines).toEqual(["draining: ns/a is ending", "draining: nobody there"]);
});

it("says once for all pods that the API server is away while they are evicted", async () => {
  const pods = Array.from({ length: 10 }, (_, at) => pod(`p${at}`, { heldTimes: 2 }));
  const { lines, summaries } = await toldOf(pods, [[4_000, 60_000]]);
  expect(lines.filter((line) => line.includes("nobody there"))).toHaveLength(1);
  expect(summaries.at(-1)).toBe("draining: no pods left");
});

it("says each sentence of a pod once, however long a budget holds it", async () => {
  const pods = Array.from({ length: 28 }, (_, at) => pod(`p${at}`, { heldTimes: 700 }));
  const { lines, summaries } = await toldOf(pods);
  expect(lines.filter((line) => line.includes("does not let"))).toHaveLength(28);
  expect(lines).toHaveLength(56);
  expect(new Set(lines).size).toBe(56);
  expect(summaries).toContain(`draining: 28 pods left: ${held("p0")}`);
  // An hour of waiting adds nothing to what was said in its first moments.
  expect(new Set(summaries).size).toBeLessThan(150);
});
