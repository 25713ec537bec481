/** What is wrong with a drain in a message: what its schema says, without the schema library, which doubles an idle agent's memory. */
import { GO_DURATION } from "@rancheros/protocol/durations";
import { isJsonObject } from "@rancheros/protocol/messages";

const DURATION_MAX_CHARACTERS = 64;
const OPERATORS = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);
const FLAGS = ["force", "disableEviction"] as const;
const NULLABLE_FLAGS = ["deleteLocalData", "ignoreDaemonSets"] as const;
const DURATIONS = ["timeout", "skipWaitForDeleteTimeout"] as const;

type Json = Readonly<Record<string, unknown>>;

/** @returns one `/field must be ...` for each bad field; empty for a drain. A test holds it against the schema. */
export function drainProblems(value: unknown): readonly string[] {
  if (!isJsonObject(value)) return ["must be object"];
  const { gracePeriod, podSelector } = value;
  const bad = (fields: readonly string[], isFit: (one: unknown) => boolean, form: string): readonly string[] =>
    fields
      .filter((field) => value[field] !== undefined && !isFit(value[field]))
      .map((field) => `/${field} must be ${form}`);
  return [
    ...bad(FLAGS, (one) => typeof one === "boolean", "boolean"),
    ...bad(NULLABLE_FLAGS, (one) => one === null || typeof one === "boolean", "boolean or null"),
    ...bad(DURATIONS, isDuration, "a duration"),
    ...(gracePeriod === undefined || isGracePeriod(gracePeriod) ? [] : ["/gracePeriod must be a duration or -1"]),
    ...(podSelector === undefined || podSelector === null ? [] : selectorProblems(podSelector)),
  ];
}

function isDuration(value: unknown): boolean {
  if (typeof value === "number") return Number.isInteger(value) && value >= 0;
  return isShortText(value) && new RegExp(GO_DURATION).test(value);
}

/** The text's form is for whoever reads it: the schema leaves it to a rule of the API server. */
function isGracePeriod(value: unknown): boolean {
  return typeof value === "number" ? Number.isInteger(value) && value >= -1 : isShortText(value);
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && Array.from(value).length <= DURATION_MAX_CHARACTERS;
}

function selectorProblems(selector: unknown): readonly string[] {
  if (!isJsonObject(selector)) return ["/podSelector must be object"];
  const labels = selector["matchLabels"] ?? undefined;
  const requirements = selector["matchExpressions"] ?? undefined;
  return [
    ...(labels === undefined || isLabels(labels) ? [] : ["/podSelector/matchLabels must be texts"]),
    ...(requirements === undefined || isRequirements(requirements)
      ? []
      : ["/podSelector/matchExpressions must be a list of key, operator and values"]),
  ];
}

function isLabels(value: unknown): boolean {
  return isJsonObject(value) && Object.values(value).every((one) => one === null || typeof one === "string");
}

function isRequirements(value: unknown): boolean {
  return Array.isArray(value) && value.every((one: unknown) => isJsonObject(one) && isRequirement(one));
}

function isRequirement({ key, operator, values }: Json): boolean {
  const isList = Array.isArray(values) && values.every((one: unknown) => typeof one === "string");
  const isKnown = typeof operator === "string" && OPERATORS.has(operator);
  return typeof key === "string" && isKnown && (values === undefined || values === null || isList);
}
