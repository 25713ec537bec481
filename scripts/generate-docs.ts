/** Writes what is made from tables of the code: pages of docs/, and the chart's values and CRDs. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CLOUD_CONFIG_ERRORS } from "@rancheros/agent/cloud-config";
import { CONTAINER_ERRORS } from "@rancheros/agent/containers";
import { IMAGE_PULL_ERRORS } from "@rancheros/agent/images";
import { INSTALL_ERRORS } from "@rancheros/agent/install";
import { FILES_ERRORS } from "@rancheros/agent/files";
import { RANCHERD_ERRORS } from "@rancheros/agent/rancherd";
import { REGISTRATION_ERRORS } from "@rancheros/agent/registration";
import { DRAIN_ERRORS } from "@rancheros/agent/drain";
import { HARDWARE_ERRORS } from "@rancheros/agent/hardware";
import { NODE_API_ERRORS } from "@rancheros/agent/kubernetes";
import { SLOT_ERRORS } from "@rancheros/agent/slots";
import { SMBIOS_ERRORS } from "@rancheros/agent/smbios";
import { TPM_ERRORS } from "@rancheros/agent/tpm";
import { UPGRADE_ERRORS } from "@rancheros/agent/upgrade";
import type { ErrorKind } from "@rancheros/protocol/errors";
import { ATTESTATION_MESSAGE_ERRORS } from "@rancheros/protocol/attestation";
import { IMAGE_ERRORS } from "@rancheros/protocol/images";
import { MESSAGE_ERRORS } from "@rancheros/protocol/messages";
import { TPM_FORMAT_ERRORS } from "@rancheros/protocol/tpm";
import { isTerminal, PHASE_NAMES, PHASES } from "@rancheros/protocol/upgrade";
import { CLI_ERRORS } from "../packages/cli/src/errors.ts";
import { EXIT_CODES, SUCCESS } from "../packages/cli/src/exit-codes.ts";
import { ATTESTATION_ERRORS } from "../packages/operator/src/attestation/index.ts";
import { BOOT_ERRORS } from "../packages/operator/src/boot/index.ts";
import { KUBERNETES_ERRORS } from "../packages/operator/src/controller/index.ts";
import { DEFAULTS_ERRORS } from "../packages/operator/src/defaults/index.ts";
import { SESSION_ERRORS } from "../packages/operator/src/http/index.ts";
import { INVENTORY_ERRORS } from "../packages/operator/src/inventory/index.ts";
import { LEADERSHIP_ERRORS } from "../packages/operator/src/leadership/index.ts";
import { REGISTRY_ERRORS } from "../packages/operator/src/registry/index.ts";
import { REGISTRATION_STATUS_ERRORS } from "../packages/operator/src/registration/index.ts";
import { ROLLOUT_ERRORS } from "../packages/operator/src/rollout/index.ts";
import { SEAL_ERRORS } from "../packages/operator/src/session/index.ts";
import { SETTINGS, SETTINGS_ERRORS } from "../packages/operator/src/settings/index.ts";
import { DECISION_REASONS, METRICS, type MetricRow } from "../packages/operator/src/telemetry/index.ts";
import { crdsYaml } from "../packages/operator/src/crds.ts";
import { chartValuesRows, chartValuesYaml } from "./chart-values.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const GENERATED = "<!-- Written by scripts/generate-docs.ts; change the tables in the code instead. -->";

const ERROR_TABLES: readonly (readonly [title: string, table: Readonly<Record<string, ErrorKind>>])[] = [
  ["Agent: TPM", TPM_ERRORS],
  ["Agent: SMBIOS", SMBIOS_ERRORS],
  ["Agent: hardware", HARDWARE_ERRORS],
  ["Agent: registration", REGISTRATION_ERRORS],
  ["Agent: cloud-config", CLOUD_CONFIG_ERRORS],
  ["Agent: rancherd", RANCHERD_ERRORS],
  ["Agent: files", FILES_ERRORS],
  ["Agent: API server of the node's cluster", NODE_API_ERRORS],
  ["Agent: drain", DRAIN_ERRORS],
  ["Agent: images", IMAGE_PULL_ERRORS],
  ["Agent: containers", CONTAINER_ERRORS],
  ["Agent: upgrades", UPGRADE_ERRORS],
  ["Agent: slots", SLOT_ERRORS],
  ["Agent: installation", INSTALL_ERRORS],
  ["Operator: keys of machines", ATTESTATION_ERRORS],
  ["Operator: sessions of machines", SESSION_ERRORS],
  ["Operator: nonces, challenges and session tokens", SEAL_ERRORS],
  ["Operator: inventories", INVENTORY_ERRORS],
  ["Operator: registrations", REGISTRATION_STATUS_ERRORS],
  ["Operator: image registries", REGISTRY_ERRORS],
  ["Operator: boot files", BOOT_ERRORS],
  ["Operator: rollouts", ROLLOUT_ERRORS],
  ["Command line", CLI_ERRORS],
  ["Operator: API server", KUBERNETES_ERRORS],
  ["Operator: leading", LEADERSHIP_ERRORS],
  ["Operator: settings", SETTINGS_ERRORS],
  ["Operator: default objects", DEFAULTS_ERRORS],
  ["Both: messages", MESSAGE_ERRORS],
  ["Both: messages of the attestation protocol", ATTESTATION_MESSAGE_ERRORS],
  ["Both: names of images", IMAGE_ERRORS],
  ["Both: TPM structures", TPM_FORMAT_ERRORS],
];

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function retryText(kind: ErrorKind): string {
  if (typeof kind.retry === "string") return kind.retry === "never" ? "no" : "yes";
  return `after ${kind.retry.afterMs} ms`;
}

function errorsPage(): string {
  const sections = ERROR_TABLES.map(([title, table]) => {
    const rows = Object.entries(table).map(([code, kind]) => {
      const cells = [`\`${code}\``, kind.failure, retryText(kind), cell(kind.meaning), cell(kind.mend)];
      return `| ${cells.join(" | ")} |`;
    });
    return `## ${title}\n\n| code | kind | try again | meaning | what to do |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
  });
  const reasons = Object.entries(DECISION_REASONS).map(([reason, meaning]) => `| \`${reason}\` | ${cell(meaning)} |`);
  sections.push(
    `## Operator: decisions that are no errors\n\nReasons in the audit log, in Events and in metrics, beside the codes above.\n\n| reason | meaning |\n|---|---|\n${reasons.join("\n")}\n`,
  );
  return `# Errors\n\n${GENERATED}\n\nThe kind tells who failed: *unreachable*, *refused*, *nonsense* and *timeout* are the other side's, and never mixed.\n\n${sections.join("\n")}`;
}

function settingsPage(): string {
  const settings = Object.values(SETTINGS).map((setting) => {
    const fallback = setting.fallback === "" ? "" : `\`${setting.fallback}\``;
    return `| \`--${setting.flag}\` | \`${setting.env}\` | ${cell(setting.value)} | ${fallback} | ${cell(setting.help)} |`;
  });
  const exits = [SUCCESS, ...Object.values(EXIT_CODES)].map((exit) => `| ${exit.code} | ${cell(exit.meaning)} |`);
  return `# Settings\n\n${GENERATED}\n\n## The operator\n\nA flag wins over the environment.\n\n| flag | environment | value | default | |\n|---|---|---|---|---|\n${settings.join("\n")}\n\n## Exit codes of ros-agent\n\n| code | meaning |\n|---|---|\n${exits.join("\n")}\n`;
}

const PHASES_BEGIN = "<!-- The phases, written by scripts/generate-docs.ts from the table in the code. -->";
const PHASES_END = "<!-- End of the phases. -->";

/** As prettier leaves it: the rest of such a page is formatted. */
function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [head, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n");
}

/** The state machine as a diagram, and what a node does in each state. */
function phasesSection(): string {
  const arrows = PHASE_NAMES.flatMap((phase) => PHASES[phase].next.map((next) => `  ${phase} --> ${next}`));
  const rows = PHASE_NAMES.map((phase) => {
    const { meaning, holdsSlot, mayBeSwitched } = PHASES[phase];
    const marks = [holdsSlot, mayBeSwitched, isTerminal(phase)].map((is) => (is ? "yes" : ""));
    return [phase, cell(meaning), ...marks];
  });
  const table = alignedTable(["phase", "what the node does", "holds a slot", "may be switched", "end"], rows);
  return `\`\`\`mermaid\nstateDiagram-v2\n  [*] --> Idle\n${arrows.join("\n")}\n\`\`\`\n\n${table}`;
}

const VALUES_BEGIN = "<!-- The values, written by scripts/generate-docs.ts from the chart's values.schema.json. -->";
const VALUES_END = "<!-- End of the values. -->";

function valuesSection(): string {
  const rows = chartValuesRows().map((row) => row.map(cell));
  return alignedTable(["value", "type", "default", "what it is for"], rows);
}

const METRICS_BEGIN = "<!-- The metrics, written by scripts/generate-docs.ts from the table in the code. -->";
const METRICS_END = "<!-- End of the metrics. -->";

function metricsSection(): string {
  const rows = Object.values<MetricRow>(METRICS).map(({ name, type, help, labels }) => {
    const values = Object.entries(labels).map(
      ([label, of]) => `\`${label}\`: ${typeof of === "string" ? of : of.join(", ")}`,
    );
    return [`\`${name}\``, type, values.join("; "), cell(help)];
  });
  return alignedTable(["metric", "kind", "labels", "what"], rows);
}

/** A page with its generated part written anew; the rest of it is written by people. */
function pageWith(name: string, marks: readonly [string, string], section: string): string {
  const page = readFileSync(path.join(ROOT, name), "utf8");
  const [first, last] = marks;
  const [begin, end] = [page.indexOf(first), page.indexOf(last)];
  if (begin === -1 || end < begin) throw new Error(`${name} has lost ${first} or ${last}`);
  return `${page.slice(0, begin)}${first}\n\n${section}\n\n${page.slice(end)}`;
}

/** Path and content of each generated file. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/errors.md", errorsPage()],
    ["docs/settings.md", settingsPage()],
    ["docs/upgrades.md", pageWith("docs/upgrades.md", [PHASES_BEGIN, PHASES_END], phasesSection())],
    ["docs/install-operator.md", pageWith("docs/install-operator.md", [VALUES_BEGIN, VALUES_END], valuesSection())],
    ["charts/rancheros-operator/values.yaml", chartValuesYaml()],
    ["charts/rancheros-operator/files/crds.yaml", crdsYaml()],
    ["docs/operations.md", pageWith("docs/operations.md", [METRICS_BEGIN, METRICS_END], metricsSection())],
  ]);
}

/** Paths of the files that are not what the code says now. */
export function stalePages(): readonly string[] {
  return [...generatedPages()]
    .filter(([name, content]) => readFileSync(path.join(ROOT, name), "utf8") !== content)
    .map(([name]) => name);
}

if (import.meta.main) {
  for (const [name, content] of generatedPages()) writeFileSync(path.join(ROOT, name), content);
}
