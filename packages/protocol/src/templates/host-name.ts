/** The name that a machine calls itself by, where its registration's cloud config has a template at `hostname`. */
import { machineName } from "./machine-name.ts";
import { fillTemplate, HARDWARE, openPlaceholder } from "./template.ts";
import { isVendorPlaceholder } from "./vendor-placeholder.ts";

/** A Linux host name has at most 64 characters, and the label kubernetes.io/hostname of a node at most 63. */
const LENGTH_LIMIT = 63;
/** Before the dash and the characters that follow from the TPM. */
const CUT_LENGTH = 57;
/** Of one SMBIOS value: what machines send is not to cost more than this. */
const VALUE_LIMIT = 256;

/** Of the MachineInventory that is there already: a machine is called the same at each visit. */
export interface NamedMachine {
  /** Of the MachineInventory. */
  readonly name: string;
  /** SHA-256 of the endorsement public key, 64 hex digits. */
  readonly ekHash: string;
  /** In dmidecode's shape, as the machine sent it when it came first. */
  readonly smbios: Readonly<Record<string, unknown>> | null | undefined;
}

export interface HostName {
  readonly value: string;
  /** Placeholders for which nothing was found and nothing was said: then the value is the inventory's name. */
  readonly empty: readonly string[];
}

/** Whether it is to be filled in, also one that is not closed, which no machine takes for a name; all other values are the operator's to pass on as they are. */
export function isHostNameTemplate(value: unknown): value is string {
  return typeof value === "string" && value.includes("${");
}

/** What firmware says may hold dots, line breaks, shell and YAML: letters, digits and dashes are left of it. */
function spoken(found: string): string | undefined {
  const text = found.slice(0, VALUE_LIMIT);
  if (isVendorPlaceholder(text)) return undefined;
  const dashed = text.replaceAll(/[^0-9A-Za-z]+/g, "-");
  return dashed === "-" ? undefined : dashed;
}

/** Dots of the template part labels; those of SMBIOS are gone by now. */
function dnsName(text: string): string {
  const labels = text
    .replaceAll(/[^0-9A-Za-z.]+/g, "-")
    .split(".")
    .map((label) => label.replaceAll(/^-|-$/g, ""));
  const name = labels.filter((label) => label !== "").join(".");
  return (name === "" || /^[A-Za-z]/.test(name) ? name : `m${name}`).toLowerCase();
}

function cut(name: string, ekHash: string): string {
  if (name.length <= LENGTH_LIMIT) return name;
  return machineName(`${name.slice(0, CUT_LENGTH).replace(/[.-]$/, "")}-`, ekHash, 0);
}

/**
 * Fills the template: characters as in machineName, and a dot of the template stays one. Where a placeholder finds nothing,
 * or what firmware says that nobody has set up, half a name would be that of several machines: the inventory's name is
 * taken. So it is where a placeholder is not closed. What is too long is cut, and ends in five characters that follow from the TPM.
 * @returns  a name of RFC 1123 of at most 63 characters, whatever the SMBIOS is
 */
export function hostName(template: string, { name, ekHash, smbios }: NamedMachine): HostName {
  // Hardware is not kept in the inventory, and what a machine sends as an SMBIOS section of that name does not pass for it.
  const { text, empty } = fillTemplate(template, { ...smbios, [HARDWARE]: undefined }, spoken);
  const isWhole = empty.length === 0 && openPlaceholder(template) === undefined;
  const filled = isWhole ? dnsName(text) : "";
  return { value: cut(filled === "" ? name : filled, ekHash), empty };
}
