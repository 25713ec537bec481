/** Writes what is made from tables of the code: pages of docs/, and the chart's values and CRDs. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { CLOUD_CONFIG_ERRORS } from "@rancheros/agent/cloud-config";
import { CONTAINER_ERRORS } from "@rancheros/agent/containers";
import { IMAGE_PULL_ERRORS } from "@rancheros/agent/images";
import { INSTALL_ERRORS } from "@rancheros/agent/install";
import { FILES_ERRORS } from "@rancheros/agent/files";
import { FIRMWARE_ERRORS } from "@rancheros/agent/firmware";
import { RANCHERD_ERRORS } from "@rancheros/agent/rancherd";
import { REGISTRATION_ERRORS } from "@rancheros/agent/registration";
import { CHECKS, DOCTOR_ERRORS } from "@rancheros/agent/doctor";
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
import { SIGNATURE_ERRORS } from "@rancheros/protocol/signatures";
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
import { CHANNEL_ERRORS } from "../packages/operator/src/versions/index.ts";
import { SETTINGS, SETTINGS_ERRORS } from "../packages/operator/src/settings/index.ts";
import { DECISION_REASONS, METRICS, type MetricRow } from "../packages/operator/src/telemetry/index.ts";
import { describeCommands } from "../packages/cli/src/describe-commands.ts";
import { TUNNEL_ERRORS } from "../packages/operator/src/tunnel/index.ts";
import { crdsYaml } from "../packages/operator/src/crds.ts";
import { chartValuesRows, chartValuesYaml } from "./chart-values.ts";
import { commandsPage } from "./reference/commands-page.ts";
import { crdPage } from "./reference/crd-page.ts";
import type { Crd } from "./reference/crd-schema.ts";
import { errorsPage } from "./reference/errors-page.ts";
import { alignedTable, cell } from "./reference/markdown-table.ts";
import { operatorPage } from "./reference/operator-page.ts";

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
  ["Agent: firmware", FIRMWARE_ERRORS],
  ["Agent: doctor", DOCTOR_ERRORS],
  ["Operator: keys of machines", ATTESTATION_ERRORS],
  ["Operator: sessions of machines", SESSION_ERRORS],
  ["Operator: nonces, challenges and session tokens", SEAL_ERRORS],
  ["Operator: inventories", INVENTORY_ERRORS],
  ["Operator: registrations", REGISTRATION_STATUS_ERRORS],
  ["Operator: image registries", REGISTRY_ERRORS],
  ["Operator: boot files", BOOT_ERRORS],
  ["Operator: rollouts", ROLLOUT_ERRORS],
  ["Operator: channels of OS versions", CHANNEL_ERRORS],
  ["Command line", CLI_ERRORS],
  ["Operator: API server", KUBERNETES_ERRORS],
  ["Operator: leading", LEADERSHIP_ERRORS],
  ["Operator: tunnel to Rancher", TUNNEL_ERRORS],
  ["Operator: settings", SETTINGS_ERRORS],
  ["Operator: default objects", DEFAULTS_ERRORS],
  ["Both: messages", MESSAGE_ERRORS],
  ["Both: messages of the attestation protocol", ATTESTATION_MESSAGE_ERRORS],
  ["Both: names of images", IMAGE_ERRORS],
  ["Both: signed images", SIGNATURE_ERRORS],
  ["Both: TPM structures", TPM_FORMAT_ERRORS],
];

function settingsPage(): string {
  const settings = Object.values(SETTINGS).map((setting) => {
    const fallback = setting.fallback === "" ? "" : `\`${setting.fallback}\``;
    return `| \`--${setting.flag}\` | \`${setting.env}\` | ${cell(setting.value)} | ${fallback} | ${cell(setting.help)} |`;
  });
  const exits = [SUCCESS, ...Object.values(EXIT_CODES)].map((exit) => `| ${exit.code} | ${cell(exit.meaning)} |`);
  return `# Settings\n\n${GENERATED}\n\n## The operator\n\nA flag wins over the environment.\n\n| flag | environment | value | default | what it is for |\n|---|---|---|---|---|\n${settings.join("\n")}\n\n## Exit codes of ros-agent\n\n| code | meaning |\n|---|---|\n${exits.join("\n")}\n`;
}

const PHASES_BEGIN = "<!-- The phases, written by scripts/generate-docs.ts from the table in the code. -->";
const PHASES_END = "<!-- End of the phases. -->";

/** What a node does in each phase, and where it goes on to; the drawing has the usual way. */
function phasesSection(): string {
  const rows = PHASE_NAMES.map((phase) => {
    const { meaning, holdsSlot, mayBeSwitched, next } = PHASES[phase];
    const marks = [holdsSlot, mayBeSwitched, isTerminal(phase)].map((is) => (is ? "yes" : ""));
    return [phase, cell(meaning), next.join(", "), ...marks];
  });
  return alignedTable(["phase", "what the node does", "goes on to", "holds a slot", "may be switched", "end"], rows);
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

const CHECKS_BEGIN = "<!-- The checks, written by scripts/generate-docs.ts from the table in the code. -->";
const CHECKS_END = "<!-- End of the checks. -->";

function checksSection(): string {
  const rows = Object.entries(CHECKS).map(([name, { title, about }]) => [`\`${name}\``, title, cell(about)]);
  return alignedTable(["--only", "line", "what is looked at"], rows);
}

/** A page with its generated part written anew; the rest of it is written by people. */
function pageWith(name: string, marks: readonly [string, string], section: string): string {
  const page = readFileSync(path.join(ROOT, name), "utf8");
  const [first, last] = marks;
  const [begin, end] = [page.indexOf(first), page.indexOf(last)];
  if (begin === -1 || end < begin) throw new Error(`${name} has lost ${first} or ${last}`);
  return `${page.slice(0, begin)}${first}\n\n${section}\n\n${page.slice(end)}`;
}

const AGENT_COMMANDS = await describeCommands();

/** A page for each kind that there is a CRD of, with the object of docs/examples. */
function kindPages(): readonly (readonly [string, string])[] {
  const crds = parseAllDocuments(crdsYaml()).map((document) => document.toJS() as Crd);
  return crds.map((crd) => {
    const { plural } = crd.spec.names;
    const example = path.join(ROOT, "docs/examples", `${plural}.yaml`);
    return [
      `docs/reference/${plural}.md`,
      crdPage(crd, existsSync(example) ? readFileSync(example, "utf8") : undefined, GENERATED),
    ];
  });
}

/** Path and content of each generated file. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/errors.md", errorsPage(ERROR_TABLES, DECISION_REASONS, GENERATED)],
    ...kindPages(),
    ["docs/reference/ros-agent.md", commandsPage(AGENT_COMMANDS, GENERATED)],
    ["docs/reference/rancheros-operator.md", operatorPage(GENERATED)],
    ["docs/settings.md", settingsPage()],
    ["docs/upgrades.md", pageWith("docs/upgrades.md", [PHASES_BEGIN, PHASES_END], phasesSection())],
    ["docs/install-operator.md", pageWith("docs/install-operator.md", [VALUES_BEGIN, VALUES_END], valuesSection())],
    ["docs/doctor.md", pageWith("docs/doctor.md", [CHECKS_BEGIN, CHECKS_END], checksSection())],
    ["charts/rancheros-operator/values.yaml", chartValuesYaml()],
    ["charts/rancheros-operator/files/crds.yaml", crdsYaml()],
    ["docs/operations.md", pageWith("docs/operations.md", [METRICS_BEGIN, METRICS_END], metricsSection())],
  ]);
}

/** Paths of the files that are not what the code says now. */
export function stalePages(): readonly string[] {
  return [...generatedPages()]
    .filter(([name, content]) => {
      const file = path.join(ROOT, name);
      return !existsSync(file) || readFileSync(file, "utf8") !== content;
    })
    .map(([name]) => name);
}

if (import.meta.main) {
  for (const [name, content] of generatedPages()) {
    mkdirSync(path.dirname(path.join(ROOT, name)), { recursive: true });
    writeFileSync(path.join(ROOT, name), content);
  }
}
