/** What is wrong with the templates of a MachineRegistration, whatever machine comes. */
import type { Templates } from "./describe-templates.ts";
import { isHostNameTemplate } from "./host-name.ts";
import { fillTemplate, HARDWARE } from "./template.ts";

/** Of a template, so much is shown. */
const SHOWN_CHARACTERS = 60;

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}

/** The placeholder that is not closed, as fillTemplate finds none after the last `}`. */
function openPlaceholder(template: string): string | undefined {
  const start = template.indexOf("${", template.lastIndexOf("}") + 1);
  return start === -1 ? undefined : template.slice(start);
}

function hardwareProblem(hostname: unknown): string | undefined {
  if (!isHostNameTemplate(hostname)) return undefined;
  const found = fillTemplate(hostname, {}).empty.find((one) => one.split("/")[0] === HARDWARE);
  return found === undefined ? undefined : `\${${shown(found)}} finds nothing, as host names are made of SMBIOS only`;
}

function prefixed(field: string, texts: Readonly<Record<string, string>> | null | undefined) {
  return Object.entries(texts ?? {}).map(([key, text]) => [`${field}[${key}]`, text] as const);
}

/**
 * @param spec  of a MachineRegistration
 * @returns     sentences that name their field
 */
export function templateProblems(spec: Templates): readonly string[] {
  const hostname = spec.cloudConfig?.["hostname"];
  const fields: readonly (readonly [string, unknown])[] = [
    ["spec.machineName", spec.machineName],
    ...prefixed("spec.machineInventoryLabels", spec.machineInventoryLabels),
    ...prefixed("spec.machineInventoryAnnotations", spec.machineInventoryAnnotations),
    ["spec.cloudConfig.hostname", hostname],
  ];
  const problems = fields.flatMap(([field, template]) => {
    const open = typeof template === "string" ? openPlaceholder(template) : undefined;
    return open === undefined ? [] : [`${field}: ${shown(open)} has no } and is taken as it stands`];
  });
  const hardware = hardwareProblem(hostname);
  return hardware === undefined ? problems : [...problems, `spec.cloudConfig.hostname: ${hardware}`];
}
