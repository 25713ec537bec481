/** A LabelSelector object as the text that the API server takes in a query. */
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";

type LabelSelector = NonNullable<NonNullable<ManagedOSImageSpec["drain"]>["podSelector"]>;
type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

const KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * @param field  its name, for the problems
 * @returns      text, empty for everything; and what is wrong with the selector
 * Source: metav1.LabelSelectorAsSelector, labels.Requirement
 */
export function labelSelectorText(
  selector: LabelSelector,
  field: string,
): { readonly text: string; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const parts: string[] = [];
  for (const [key, given] of Object.entries(selector.matchLabels ?? {})) {
    const value = given ?? "";
    const where = `${field}.matchLabels`;
    if (!KEY.test(key)) problems.push(`${where} has a key that is no label key`);
    else if (!VALUE.test(value)) problems.push(`${where}[${key}] is no label value`);
    parts.push(`${key}=${value}`);
  }
  for (const [index, requirement] of (selector.matchExpressions ?? []).entries()) {
    const where = `${field}.matchExpressions[${index}]`;
    problems.push(...problemsOf(requirement).map((problem) => `${where}.${problem}`));
    parts.push(requirementText(requirement));
  }
  return { text: parts.join(","), problems };
}

function problemsOf({ key, operator, values }: Requirement): readonly string[] {
  const given = values ?? [];
  const problems: string[] = [];
  if (!KEY.test(key)) problems.push("key is no label key");
  switch (operator) {
    case "In":
    case "NotIn":
      if (given.length === 0) problems.push(`values is empty, which ${operator} does not allow`);
      if (!given.every((value) => VALUE.test(value))) problems.push("values has one that is no label value");
      break;
    case "Exists":
    case "DoesNotExist":
      if (given.length > 0) problems.push(`values is not empty, which ${operator} does not allow`);
      break;
    default:
      problems.push("operator is none of In, NotIn, Exists, DoesNotExist");
  }
  return problems;
}

function requirementText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    default:
      return `${key} ${operator === "In" ? "in" : "notin"} (${(values ?? []).join(",")})`;
  }
}
