/** Kubernetes' label selectors: which labels they match, and what makes one invalid. */

import { textsOf, type NullableTexts } from "@rancheros/protocol/templates";

/** As the resource has it: from a stored object, so nothing in it is taken on trust. */
export interface LabelSelector {
  readonly matchLabels?: NullableTexts | null;
  readonly matchExpressions?:
    readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | null }[] | null;
}

export type Labels = Readonly<Record<string, string>>;
export type LabelMatch = (labels: Labels) => boolean;

/** Either what it matches, or one sentence for each bad part. */
export type CompiledSelector =
  { readonly ok: true; readonly matches: LabelMatch } | { readonly ok: false; readonly problems: readonly string[] };

const PREFIX_MAX = 253;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

function isKey(key: string): boolean {
  const slash = key.indexOf("/");
  if (slash === -1) return NAME.test(key);
  const prefix = key.slice(0, slash);
  return prefix.length <= PREFIX_MAX && PREFIX.test(prefix) && NAME.test(key.slice(slash + 1));
}

function isValue(value: string): boolean {
  return value === "" || NAME.test(value);
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

function problemsOf({ key, operator, values }: Requirement, at: string): readonly string[] {
  const problems: string[] = [];
  if (!isKey(key)) problems.push(`${at}: ${JSON.stringify(key)} is no label key`);
  const isSetOperator = operator === "In" || operator === "NotIn";
  if (isSetOperator && values.length === 0) problems.push(`${at}: ${operator} needs values`);
  if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0) {
    problems.push(`${at}: ${operator} takes no values`);
  }
  if (!isSetOperator && operator !== "Exists" && operator !== "DoesNotExist") {
    problems.push(`${at}: ${JSON.stringify(operator)} is none of In, NotIn, Exists and DoesNotExist`);
  }
  for (const value of values) if (!isValue(value)) problems.push(`${at}: ${JSON.stringify(value)} is no label value`);
  return problems;
}

function holds({ key, operator, values }: Requirement, allowed: ReadonlySet<string>, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && allowed.has(value);
    case "NotIn":
      return value === undefined || !allowed.has(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return values.length < 0;
  }
}

/** The same selector, with empty values where it has null. */
export function withLabelTexts<Selector extends LabelSelector>(selector: Selector): Selector {
  return selector.matchLabels ? { ...selector, matchLabels: textsOf(selector.matchLabels) } : selector;
}

/**
 * @param field  path of the selector, which begins each problem
 * @returns      {} matches everything; the caller knows what an absent selector means
 * Source: k8s.io/apimachinery pkg/apis/meta/v1/helpers.go LabelSelectorAsSelector, pkg/labels/selector.go
 */
export function compileSelector(selector: LabelSelector, field: string): CompiledSelector {
  const requirements: readonly (Requirement & { readonly at: string })[] = [
    ...Object.entries(textsOf(selector.matchLabels)).map(([key, value]) => ({
      key,
      operator: "In",
      values: [value],
      at: `${field}.matchLabels`,
    })),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values }, index) => ({
      key,
      operator,
      values: values ?? [],
      at: `${field}.matchExpressions[${index}]`,
    })),
  ];
  const problems = requirements.flatMap((one) => problemsOf(one, one.at));
  if (problems.length > 0) return { ok: false, problems };
  const compiled = requirements.map((one) => ({ one, allowed: new Set(one.values) }));
  return { ok: true, matches: (labels) => compiled.every(({ one, allowed }) => holds(one, allowed, labels)) };
}
