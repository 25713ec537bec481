/** What the dashboard's panels show, by the real promtool: of two operators in one Prometheus, and of a replica that is not ready. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { dashboardPanels } from "../../chart/metric-uses.ts";
import { promtool } from "../../prometheus/promtool.ts";

interface Sample {
  /** As promtool writes them; none: {}. */
  readonly labels: string;
  readonly value: number;
}

interface Scene {
  /** Of the panel. */
  readonly title: string;
  /** In promtool's notation; the panel's expression that names the first of them is asked. */
  readonly series: Readonly<Record<string, string>>;
  readonly shown: readonly Sample[];
}

/** Two replicas that see the same, and another operator that has more. */
function ofTwo(metric: string, labels: string, first: number, second: number): Readonly<Record<string, string>> {
  const series = (namespace: string, instance: string): string =>
    `${metric}{${[labels, `namespace="${namespace}"`, `instance="${instance}"`].filter(Boolean).join(",")}}`;
  return {
    [series("one", "a")]: `${first}x5`,
    [series("one", "b")]: `${first}x5`,
    [series("two", "c")]: `${second}x5`,
  };
}

const NONE = "{}";
const SCENES: readonly Scene[] = [
  {
    title: "Machines",
    series: ofTwo("rancheros_inventories", "", 3, 40),
    shown: [{ labels: NONE, value: 43 }],
  },
  {
    title: "Wait for approval",
    series: {
      ...ofTwo("rancheros_machines", 'approval="Pending",phase="Idle"', 1, 4),
      ...ofTwo("rancheros_machines", 'approval="Pending",phase="Failed"', 1, 0),
      ...ofTwo("rancheros_machines", 'approval="Approved",phase="Idle"', 7, 7),
    },
    shown: [{ labels: NONE, value: 6 }],
  },
  { title: "Wait for approval", series: {}, shown: [{ labels: NONE, value: 0 }] },
  {
    title: "Halted rollouts",
    series: ofTwo("rancheros_rollouts", 'state="Halted"', 1, 2),
    shown: [{ labels: NONE, value: 3 }],
  },
  {
    title: "Machines by phase",
    series: {
      ...ofTwo("rancheros_machines", 'approval="Approved",phase="Draining"', 2, 3),
      ...ofTwo("rancheros_machines", 'approval="Denied",phase="Draining"', 1, 0),
    },
    shown: [{ labels: '{phase="Draining"}', value: 6 }],
  },
  {
    title: "Rollouts by state",
    series: {
      ...ofTwo("rancheros_rollouts", 'state="Paused"', 1, 2),
      ...ofTwo("rancheros_rollouts", 'state="Halted"', 0, 0),
    },
    shown: [{ labels: '{state="Paused"}', value: 3 }],
  },
  {
    title: "Machines of rollouts",
    series: ofTwo("rancheros_rollout_machines", 'standing="failed"', 2, 5),
    shown: [{ labels: '{standing="failed"}', value: 7 }],
  },
  {
    title: "Queues",
    series: ofTwo("rancheros_queue_depth", 'queue="images"', 2, 5),
    shown: [{ labels: '{queue="images"}', value: 7 }],
  },
  {
    title: "Queues",
    series: ofTwo("rancheros_queue_failing", 'queue="images"', 1, 1),
    shown: [{ labels: '{queue="images"}', value: 2 }],
  },
  {
    title: "Registrations (objects)",
    series: ofTwo("rancheros_registrations", "", 1, 2),
    shown: [{ labels: NONE, value: 3 }],
  },
  {
    title: "Channels",
    series: ofTwo("rancheros_channels", 'state="failed"', 1, 2),
    shown: [{ labels: '{state="failed"}', value: 3 }],
  },
  {
    title: "OS versions",
    series: ofTwo("rancheros_versions", 'state="usable"', 4, 9),
    shown: [{ labels: '{state="usable"}', value: 13 }],
  },
  {
    title: "Memory",
    series: {
      'process_resident_memory_bytes{instance="a"}': "100x5",
      'process_resident_memory_bytes{instance="b"}': "200x5",
      'process_resident_memory_bytes{instance="of-something-else"}': "300x5",
      'rancheros_ready{instance="a"}': "1x5",
      'rancheros_ready{instance="b"}': "0x5",
    },
    shown: [
      { labels: 'process_resident_memory_bytes{instance="a"}', value: 100 },
      { labels: 'process_resident_memory_bytes{instance="b"}', value: 200 },
    ],
  },
];

const folder = mkdtempSync(path.join(tmpdir(), "dashboard-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(SCENES)("$title, scene %#", async ({ title, series, shown }) => {
  const [first = ""] = Object.keys(series).map((name) => name.split("{", 1)[0] ?? "");
  const panel = dashboardPanels().find((one) => one.title === title);
  const expr = panel?.targets.map((target) => target.expr).find((text) => text.includes(first));
  const test = {
    interval: "1m",
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [{ expr, eval_time: "5m", exp_samples: shown }],
  };
  const file = path.join(folder, "tests.yaml");
  writeFileSync(file, stringify({ rule_files: [], evaluation_interval: "1m", tests: [test] }));
  expect(await promtool("test", "rules", file)).toEqual({
    ok: true,
    said: expect.stringContaining("SUCCESS") as unknown,
  });
});
