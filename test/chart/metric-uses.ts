/** Which metrics, with which labels, the chart's alerts and dashboard ask for. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const ALERTS_FILE = fileURLToPath(new URL("../../charts/rancheros-operator/files/alerts.yaml", import.meta.url));
export const DASHBOARD_FILE = fileURLToPath(
  new URL("../../charts/rancheros-operator/files/dashboard.json", import.meta.url),
);

export interface MetricUse {
  /** As it stands in the expression, with _bucket, _sum or _count where it has that. */
  readonly series: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

export interface Expression {
  /** Name of the alert, title of the panel. */
  readonly where: string;
  readonly text: string;
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
}

export function alerts(): readonly Alert[] {
  const file = parse(readFileSync(ALERTS_FILE, "utf8")) as { groups: { rules: Alert[] }[] };
  return file.groups.flatMap(({ rules }) => rules);
}

export interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

export function dashboardPanels(): readonly Panel[] {
  return (JSON.parse(readFileSync(DASHBOARD_FILE, "utf8")) as { panels: Panel[] }).panels;
}

export function expressions(): readonly Expression[] {
  return [
    ...alerts().map(({ alert, expr }) => ({ where: alert, text: expr })),
    ...dashboardPanels().flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, text: expr }))),
  ];
}

export function metricUses({ text }: Expression): readonly MetricUse[] {
  return [...text.matchAll(/\b((?:rancheros|process|nodejs)_[a-z_]+)(?:\{([^}]*)\})?/g)].map((match) => ({
    series: match[1] ?? "",
    matchers: [...(match[2] ?? "").matchAll(/([a-z_]+)(=~|!~|!=|=)"([^"]*)"/g)].map((one) => ({
      label: one[1] ?? "",
      operator: one[2] ?? "",
      value: one[3] ?? "",
    })),
  }));
}
