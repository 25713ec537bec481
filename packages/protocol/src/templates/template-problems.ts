/** What is wrong with the templates of a MachineRegistration, whatever machine comes. */
import type { Templates } from "./describe-templates.ts";
import { isHostNameTemplate } from "./host-name.ts";
import { fillTemplate, HARDWARE, openPlaceholder } from "./template.ts";

/** Of a template, so much is shown. */
const SHOWN_CHARACTERS = 60;

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}

function hostNameProblems(hostname: unknown): readonly string[] {
  if (!isHostNameTemplate(hostname)) return [];
  const open = openPlaceholder(hostname);
  const found = fillTemplate(hostname, {}).empty.find((one) => one.split("/")[0] === HARDWARE);
  return [
    ...(open === undefined ? [] : [`${shown(open)} has no }, so that each machine is called as its MachineInventory`]),
    ...(found === undefined ? [] : [`\${${shown(found)}} finds nothing, as host names are made of SMBIOS only`]),
  ];
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
  const fields: readonly (readonly [string, string | undefined])[] = [
    ["spec.machineName", spec.machineName],
    ...prefixed("spec.machineInventoryLabels", spec.machineInventoryLabels),
    ...prefixed("spec.machineInventoryAnnotations", spec.machineInventoryAnnotations),
  ];
  const problems = fields.flatMap(([field, template]) => {
    const open = template === undefined ? undefined : openPlaceholder(template);
    return open === undefined ? [] : [`${field}: ${shown(open)} has no } and is taken as it stands`];
  });
  return [...problems, ...hostNameProblems(hostname).map((problem) => `spec.cloudConfig.hostname: ${problem}`)];
}
