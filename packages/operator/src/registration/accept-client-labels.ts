/** Which of the labels and annotations that a machine wishes for it gets. */
import type { MachineRegistrationSpec } from "@rancheros/protocol/resources";
import { isLabelKey, labelValue } from "@rancheros/protocol/templates";

/** Owners of prefixes that steer the cluster: no registration gives them away. */
const RESERVED = ["rancheros.cattle.io", "kubernetes.io", "k8s.io"];
const ANNOTATION_LIMIT = 2048;
const KEY_SHOWN = 80;

type Texts = Readonly<Record<string, string>>;

export interface ClientLabels {
  readonly labels: Texts;
  readonly annotations: Texts;
  /** Keys that were not taken, sorted; cut so that they can stand in a log. */
  readonly dropped: readonly string[];
}

/** Without what no terminal and no log should be sent. */
function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ");
}

function isReserved(prefix: string): boolean {
  return RESERVED.some((owner) => prefix === owner || prefix.endsWith(`.${owner}`));
}

/** @param accepted  keys, or `example.com/*` */
function isAccepted(key: string, accepted: readonly string[]): boolean {
  const slash = key.indexOf("/");
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  if (!isLabelKey(key) || (prefix !== undefined && isReserved(prefix))) return false;
  return accepted.some((one) => one === key || (prefix !== undefined && one === `${prefix}/*`));
}

function accept(
  sent: Texts,
  accepted: readonly string[] | undefined,
  finish: (text: string) => string,
  dropped: string[],
): Texts {
  const kept: Record<string, string> = {};
  for (const [key, text] of Object.entries(sent)) {
    if (isAccepted(key, accepted ?? [])) kept[key] = finish(text);
    else dropped.push(withoutControls(key).slice(0, KEY_SHOWN).toWellFormed());
  }
  return kept;
}

function annotationValue(text: string): string {
  return withoutControls(text).slice(0, ANNOTATION_LIMIT).toWellFormed();
}

/**
 * @param spec  of the MachineRegistration
 * @param sent  what the machine said, each already bounded by the message's limits
 * @returns     what it gets, with values that Kubernetes takes, and what was dropped
 */
export function acceptClientLabels(
  spec: Pick<MachineRegistrationSpec, "acceptedLabels" | "acceptedAnnotations">,
  sent: { readonly labels: Texts; readonly annotations: Texts },
): ClientLabels {
  const dropped: string[] = [];
  const labels = accept(sent.labels, spec.acceptedLabels, labelValue, dropped);
  const annotations = accept(sent.annotations, spec.acceptedAnnotations, annotationValue, dropped);
  return { labels, annotations, dropped: [...new Set(dropped)].sort() };
}
