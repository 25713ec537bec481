/** What is wrong with the templates of a MachineRegistration, whatever machine comes. */
import { annotationBytes, ANNOTATIONS_MAX_BYTES, OPERATORS_BYTES, TEMPLATES_MAX_BYTES } from "./annotation-size.ts";
import type { Templates } from "./describe-templates.ts";
import { isHostNameTemplate } from "./host-name.ts";
import { isLabelKey } from "./label-key.ts";
import { fillTemplate, HARDWARE, HARDWARE_PARTS, INSERTED_LIMIT, openPlaceholder, placeholdersOf } from "./template.ts";
import { textsOf } from "./texts-of.ts";

/** Of a template or a key, so much is shown. */
const SHOWN_CHARACTERS = 60;
/** Of UTF-8, for each of the characters that a machine's text is counted in. */
const CHARACTER_MAX_BYTES = 3;
const NO_SECTION = "finds nothing, as it names no section and key";
const LABELS = "spec.machineInventoryLabels";
const ANNOTATIONS = "spec.machineInventoryAnnotations";

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}

/** What a shell's variable looks like, as it may stand in values of the original's, which filled none of them. */
function sectionless(template: string): string | undefined {
  return placeholdersOf(template).find((one) => !/[/|]/.test(one) && one !== HARDWARE);
}

function hostNameProblems(hostname: unknown): readonly string[] {
  if (!isHostNameTemplate(hostname)) return [];
  const open = openPlaceholder(hostname);
  const bare = sectionless(hostname);
  const found = fillTemplate(hostname, {}).empty.find((one) => one.split("/")[0] === HARDWARE);
  return [
    ...(open === undefined ? [] : [`${shown(open)} has no }, so that each machine is called as its MachineInventory`]),
    ...(found === undefined ? [] : [`\${${shown(found)}} finds nothing, as host names are made of SMBIOS only`]),
    ...(bare === undefined
      ? []
      : [`\${${shown(bare)}} ${NO_SECTION}, so that each machine is called as its MachineInventory`]),
  ];
}

/** Also where something else is written in its place then: it is never what was meant. */
function isNoHardware(placeholder: string): boolean {
  const [path = ""] = placeholder.split("|", 1);
  const [first, part] = path.split("/", 2);
  return first === HARDWARE && !(part !== undefined && HARDWARE_PARTS.includes(part));
}

function fieldProblems(template: string): readonly string[] {
  const open = openPlaceholder(template);
  const none = placeholdersOf(template).find((one) => isNoHardware(one));
  return [
    ...(open === undefined ? [] : [`${shown(open)} has no } and is taken as it stands`]),
    ...(none === undefined
      ? []
      : [`\${${shown(none)}} finds nothing, as below ${HARDWARE} there is only ${HARDWARE_PARTS.join(", ")}`]),
  ];
}

/** Of a label or an annotation. */
function valueProblems(template: string): readonly string[] {
  const bare = sectionless(template);
  if (bare === undefined) return [];
  const literal = `write \${-|$}{${shown(bare)}} where the text itself is meant`;
  return [`\${${shown(bare)}} ${NO_SECTION}, so that no machine gets this; ${literal}`];
}

type Texts = Readonly<Record<string, string>>;

function prefixed(field: string, texts: Texts) {
  return Object.entries(texts).map(([key, text]) => [`${field}[${shown(key)}]`, text] as const);
}

/** They may have been stored before there was a rule for them. */
function keyProblems(field: string, texts: Texts): readonly string[] {
  const bad = Object.keys(texts).filter((key) => !isLabelKey(key));
  return bad.map(
    (key) =>
      `${field}[${shown(key)}]: is no key that Kubernetes takes, so that no new machine can register; write one such as example.com/rack or rack`,
  );
}

/** Own text is never cut; what machines add to it is. */
function sizeProblems(annotations: Texts): readonly string[] {
  const own = annotationBytes(annotations);
  const filled = Object.values(annotations).filter((template) => placeholdersOf(template).length > 0).length;
  const most = own + filled * INSERTED_LIMIT * CHARACTER_MAX_BYTES;
  const limits = `Kubernetes takes ${ANNOTATIONS_MAX_BYTES}, of which ${OPERATORS_BYTES} are the operator's`;
  if (own > TEMPLATES_MAX_BYTES) {
    return [`${ANNOTATIONS}: are ${own} bytes together, so that no new machine can register: ${limits}`];
  }
  if (most <= TEMPLATES_MAX_BYTES) return [];
  const what = `may come to ${most} bytes together with up to ${INSERTED_LIMIT} characters of a machine in each of ${filled}`;
  return [`${ANNOTATIONS}: ${what}: ${limits}, so that less of what a machine says may be written`];
}

/**
 * @param spec  of a MachineRegistration
 * @returns     sentences that name their field
 */
export function templateProblems(spec: Templates): readonly string[] {
  const hostname = spec.cloudConfig?.["hostname"];
  const [labels, annotations] = [textsOf(spec.machineInventoryLabels), textsOf(spec.machineInventoryAnnotations)];
  const values = [...prefixed(LABELS, labels), ...prefixed(ANNOTATIONS, annotations)];
  const fields = [["spec.machineName", spec.machineName ?? ""] as const, ...values];
  const told = (list: typeof fields, problemsOf: (template: string) => readonly string[]) =>
    list.flatMap(([field, template]) => problemsOf(template).map((problem) => `${field}: ${problem}`));
  const problems = [...told(fields, fieldProblems), ...told(values, valueProblems)];
  problems.push(...keyProblems(LABELS, labels), ...keyProblems(ANNOTATIONS, annotations), ...sizeProblems(annotations));
  return [...problems, ...hostNameProblems(hostname).map((problem) => `spec.cloudConfig.hostname: ${problem}`)];
}
