/**
 * Objects that are stored and cannot be read here: of a newer chart, perhaps, whose schema takes more. They are not gone,
 * and what their status says is kept as it is but for the one condition that tells people.
 */
import { parseObjectMeta, type ObjectMeta } from "@rancheros/protocol/resources";

/** Reason of the condition that says so. */
export const UNREADABLE = "Unreadable";

export interface Unreadable {
  readonly metadata: ObjectMeta;
  /** One sentence for each bad field. */
  readonly problems: readonly string[];
  /** status.conditions as stored, whatever it is. */
  readonly conditions: unknown;
}

/** A condition without times. */
export interface UnreadableFinding {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: typeof UNREADABLE;
  readonly message: string;
}

/** Undefined where there is none. */
export function memberOf(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null && Object.hasOwn(holder, key)
    ? Reflect.get(holder, key)
    : undefined;
}

/** @param object  that is none of its kind. @returns undefined where it is on its way out, or where nothing names it */
export function unreadable(object: unknown, problems: readonly string[]): Unreadable | undefined {
  const parsed = parseObjectMeta(object);
  if (!parsed.ok || parsed.value.metadata.deletionTimestamp !== undefined) return undefined;
  return { metadata: parsed.value.metadata, problems, conditions: memberOf(memberOf(object, "status"), "conditions") };
}

/**
 * What is wrong and what to do, for people.
 * @param maxCharacters  what the sentence may be long: the list of problems is cut
 */
export function unreadableSentence(
  kind: string,
  { metadata: { namespace, name }, problems }: Pick<Unreadable, "metadata" | "problems">,
  maxCharacters: number,
): string {
  const what = `this operator cannot read ${kind} ${namespace}/${name}: `;
  const mend = "; change or delete it, or run the operator of the chart that it was written for";
  const room = maxCharacters - what.length - mend.length;
  return (what + problems.join("; ").slice(0, Math.max(0, room)) + mend).toWellFormed();
}

/**
 * The stored conditions with this one; those of others are kept to the letter, as they may be of a newer schema.
 * @returns undefined where it stands there already, or where what stands there is no list of conditions
 */
export function conditionsWith(
  { conditions = [], metadata: { generation } }: Pick<Unreadable, "conditions" | "metadata">,
  finding: UnreadableFinding,
  nowMs: number,
): readonly unknown[] | undefined {
  if (!Array.isArray(conditions)) return undefined;
  const stored: readonly unknown[] = conditions;
  const before = stored.find((one) => memberOf(one, "type") === finding.type);
  const said = { ...finding, ...(generation === undefined ? {} : { observedGeneration: generation }) };
  if (Object.entries(said).every(([key, value]) => memberOf(before, key) === value)) return undefined;
  const since = memberOf(before, "status") === finding.status ? memberOf(before, "lastTransitionTime") : undefined;
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  const next = { ...said, lastTransitionTime: typeof since === "string" ? since : now };
  return [...stored.filter((one) => one !== before), next];
}
