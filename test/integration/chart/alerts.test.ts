/** The chart's alerts in the hands of the real promtool: each fires when it should, and not when it should not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ALERTS_FILE } from "../../chart/metric-uses.ts";
import { ALERT_SCENES, type AlertScene, type Series } from "../../prometheus/alert-scenes.ts";
import { promtool } from "../../prometheus/promtool.ts";

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const folder = mkdtempSync(path.join(tmpdir(), "alerts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rules = (): readonly Rule[] =>
  (parse(readFileSync(ALERTS_FILE, "utf8")) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

function ruleOf(alert: string): Rule {
  const rule = rules().find((one) => one.alert === alert);
  if (rule === undefined) throw new Error(`there is no alert ${alert}`);
  return rule;
}

function unitTest(scene: AlertScene, input: Series, fires: boolean): object {
  const { alert, afterMinutes, labels = {} } = scene;
  const rule = ruleOf(alert);
  const { summary = rule.annotations["summary"], description = rule.annotations["description"] } = scene;
  const minutes = fires ? [afterMinutes] : Array.from({ length: afterMinutes }, (_, index) => index + 1);
  return {
    name: `${alert} ${fires ? "fires" : "is quiet"}`,
    interval: "1m",
    input_series: Object.entries(input).map(([series, values]) => ({ series, values })),
    alert_rule_test: minutes.map((minute) => ({
      eval_time: `${minute}m`,
      alertname: alert,
      exp_alerts: fires
        ? [{ exp_labels: { ...rule.labels, ...labels }, exp_annotations: { summary, description } }]
        : [],
    })),
  };
}

async function run(tests: readonly object[]): ReturnType<typeof promtool> {
  const file = path.join(folder, "tests.yaml");
  writeFileSync(file, stringify({ rule_files: [ALERTS_FILE], evaluation_interval: "1m", tests }));
  return promtool("test", "rules", file);
}

it("are rules that promtool takes", async () => {
  expect(await promtool("check", "rules", ALERTS_FILE)).toMatchObject({ ok: true });
});

it("have a scene each", () => {
  expect(ALERT_SCENES.map(({ alert }) => alert)).toEqual(rules().map(({ alert }) => alert));
});

it("fire when they should, with these words, and not otherwise", async () => {
  const tests = ALERT_SCENES.flatMap((scene) => [
    unitTest(scene, scene.fires, true),
    unitTest(scene, scene.quiet, false),
  ]);
  expect(await run(tests)).toEqual({ ok: true, said: expect.stringContaining("SUCCESS") as unknown });
});

it("are looked at: promtool says so where one does not fire, or fires", async () => {
  for (const scene of ALERT_SCENES.slice(0, 3)) {
    expect(await run([unitTest(scene, scene.quiet, true)])).toMatchObject({ ok: false });
    expect(await run([unitTest(scene, scene.fires, false)])).toMatchObject({ ok: false });
  }
});
