/** Alerts and dashboard against the table of metrics: nothing is asked for that there is not. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { METRICS, type MetricRow } from "../../../packages/operator/src/telemetry/index.ts";
import { ALL_REASONS } from "../../../packages/operator/src/refusal-reasons.ts";
import { alerts, DASHBOARD_FILE, expressions, metricUses } from "../../chart/metric-uses.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const ROWS: readonly MetricRow[] = Object.values(METRICS);

/** The row behind a series of it: a histogram has three. */
function rowOf(series: string): MetricRow | undefined {
  return ROWS.find(({ name, type }) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(series) : name === series,
  );
}

describe.each(expressions())("$where", (expression) => {
  const uses = metricUses(expression);

  it("asks for metrics that there are, and for labels and values that they have", () => {
    expect(uses.length).toBeGreaterThan(0);
    for (const { series, matchers } of uses) {
      if (/^(process|nodejs)_/.test(series)) continue;
      const row = rowOf(series);
      expect([series, row?.name]).not.toContain(undefined);
      for (const { label, value } of matchers) {
        const values = row?.labels[label];
        expect([series, label, values]).not.toContain(undefined);
        for (const one of value.split("|")) {
          expect(label === "reason" ? [...ALL_REASONS] : values).toContain(one);
        }
      }
    }
  });

  it("takes the rate of what is counted up, and of nothing else", () => {
    for (const { series } of uses) {
      const isCounted = /_(total|bucket|sum|count)$/.test(series);
      const isRated = new RegExp(String.raw`(rate|increase)\(${series}\b`).test(expression.text);
      expect([series, isRated]).toEqual([series, isCounted]);
    }
  });
});

it("each metric is shown on the dashboard", () => {
  const shown = new Set(
    expressions()
      .flatMap(metricUses)
      .map(({ series }) => rowOf(series)?.name),
  );
  expect(ROWS.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

it("each alert has its row in docs/operations.md, and no other is there", () => {
  const page = readFileSync(path.join(ROOT, "docs/operations.md"), "utf8");
  const listed = [...page.matchAll(/^\| `(Rancheros\w+)`/gm)].map((match) => match[1] ?? "");
  const named = alerts().map(({ alert }) => alert);
  expect(new Set(listed)).toEqual(new Set(named));
  expect(listed.length).toBe(named.length);
});

it("the dashboard's panels have an id each and do not lie on one another", () => {
  const { panels } = JSON.parse(readFileSync(DASHBOARD_FILE, "utf8")) as {
    panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number } }[];
  };
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
});
