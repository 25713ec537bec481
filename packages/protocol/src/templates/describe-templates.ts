/** What a machine is called and how it is labelled: the same for the operator that makes the object and for who tries templates. */
import { annotationBytes, TEMPLATES_MAX_BYTES } from "./annotation-size.ts";
import { hostName, isHostNameTemplate, type HostName, type NamedMachine } from "./host-name.ts";
import { labelValue } from "./label-value.ts";
import { DEFAULT_MACHINE_NAME, machineName, machineNamePrefix } from "./machine-name.ts";
import { fillTemplate, HARDWARE, INSERTED_LIMIT, type Filled } from "./template.ts";
import { textsOf, type NullableTexts } from "./texts-of.ts";

/** The templates of a MachineRegistration's spec. */
export interface Templates {
  readonly machineName?: string;
  readonly machineInventoryLabels?: NullableTexts | null;
  readonly machineInventoryAnnotations?: NullableTexts | null;
  /** Of it, `hostname` may be a template. */
  readonly cloudConfig?: Readonly<Record<string, unknown>> | null;
}

/** What a machine says of itself; proved by nothing but the hash. */
export interface DescribedMachine {
  /** SHA-256 of the endorsement public key, 64 hex digits. */
  readonly ekHash: string;
  /** In dmidecode's shape: title, key, text. */
  readonly smbios: Readonly<Record<string, unknown>> | undefined;
  /** In the shape of `ros-agent hardware --json`; found under the first segment `Hardware`. */
  readonly hardware?: Readonly<Record<string, unknown>> | undefined;
}

export interface DescribedText {
  /** Undefined where a placeholder is empty: a label that says half of what was meant selects the wrong machines. */
  readonly value: string | undefined;
  /** Placeholders that found nothing and have no fallback. */
  readonly empty: readonly string[];
}

export interface Description {
  /** Always there: a name with empty placeholders is shorter, as in the original. */
  readonly name: { readonly value: string; readonly empty: readonly string[] };
  readonly labels: Readonly<Record<string, DescribedText>>;
  readonly annotations: Readonly<Record<string, DescribedText>>;
  /** What the machine calls itself by its cloud config; undefined where that says nothing of it. */
  readonly hostname: HostName | undefined;
}

/** One tree for both: what a machine sends as an SMBIOS section of that name does not pass for its hardware. */
function dataOf(machine: DescribedMachine): Readonly<Record<string, unknown>> {
  return { ...machine.smbios, [HARDWARE]: machine.hardware };
}

function described(
  templates: NullableTexts | null | undefined,
  fill: (template: string) => Filled,
  finish: (text: string) => string,
): Record<string, DescribedText> {
  return Object.fromEntries(
    Object.entries(textsOf(templates)).map(([key, template]) => {
      const { text, empty } = fill(template);
      return [key, { value: empty.length === 0 ? finish(text) : undefined, empty }];
    }),
  );
}

/** Those that are written. */
export function valuesOf(texts: Readonly<Record<string, DescribedText>>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [key, { value }] of Object.entries(texts)) if (value !== undefined) values[key] = value;
  return values;
}

/** Where they would be too much, less of what the machine says is written, equally of all: it could not register otherwise. */
function describedAnnotations(
  templates: Templates["machineInventoryAnnotations"],
  data: unknown,
): Record<string, DescribedText> {
  for (let most = INSERTED_LIMIT; ; most = Math.floor(most / 2)) {
    const filled = described(
      templates,
      (template) => fillTemplate(template, data, undefined, most),
      (text) => text,
    );
    if (most === 0 || annotationBytes(valuesOf(filled)) <= TEMPLATES_MAX_BYTES) return filled;
  }
}

function describedHostName(cloudConfig: Templates["cloudConfig"], machine: NamedMachine): HostName | undefined {
  const hostname = cloudConfig?.["hostname"];
  if (isHostNameTemplate(hostname)) return hostName(hostname, machine);
  return typeof hostname === "string" ? { value: hostname, empty: [] } : undefined;
}

/**
 * @param spec     of a MachineRegistration
 * @param attempt  which of the machine's names to take; see machineName
 * @returns        name, labels and annotations of the MachineInventory, the host name, and which placeholders were empty
 */
export function describeTemplates(spec: Templates, machine: DescribedMachine, attempt = 0): Description {
  const data = dataOf(machine);
  const { empty } = fillTemplate(spec.machineName || DEFAULT_MACHINE_NAME, data);
  const { ekHash, smbios } = machine;
  const name = machineName(machineNamePrefix(spec.machineName, data), ekHash, attempt);
  return {
    name: { value: name, empty },
    labels: described(spec.machineInventoryLabels, (template) => fillTemplate(template, data), labelValue),
    annotations: describedAnnotations(spec.machineInventoryAnnotations, data),
    hostname: describedHostName(spec.cloudConfig, { name, ekHash, smbios }),
  };
}
