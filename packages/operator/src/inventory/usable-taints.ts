/**
 * Taints that no node takes, in objects of the original, whose CRD let anything be one. It made a label of them that says
 * nothing; here the machine gets the others, and the status of its inventory says which it does not get.
 */
import { parseNodeTaint, TAINT_EFFECTS, type MachineInventory } from "@rancheros/protocol/resources";
import { isLabelKey } from "@rancheros/protocol/templates";
import { memberOf } from "../controller/index.ts";
import type { Finding } from "./conditions.ts";

const TYPE = "TaintsLeftOut";
const EFFECTS: readonly unknown[] = TAINT_EFFECTS;
/** A status is read by people. */
const TOLD = 5;

export interface UsableTaints {
  /** The same object where all can be used. */
  readonly object: unknown;
  /** One sentence, without its end, for each taint that is left out. */
  readonly problems: readonly string[];
}

function problemOf(taint: unknown): string | undefined {
  if (!EFFECTS.includes(memberOf(taint, "effect"))) {
    return `has an effect that is none of ${TAINT_EFFECTS.slice(0, -1).join(", ")} and ${TAINT_EFFECTS.at(-1)}`;
  }
  const key = memberOf(taint, "key");
  if (typeof key !== "string" || !isLabelKey(key)) return "has a key that is no label key";
  const parsed = parseNodeTaint(taint);
  return parsed.ok ? undefined : parsed.problems.join(", ");
}

/** @param object  of the API server, read or not */
export function withUsableTaints(object: unknown): UsableTaints {
  const spec = memberOf(object, "spec");
  const config = memberOf(spec, "config");
  const taints = memberOf(config, "taints");
  if (!Array.isArray(taints)) return { object, problems: [] };
  const judged = taints.map((taint: unknown) => ({ taint, problem: problemOf(taint) }));
  const problems = judged.flatMap(({ problem }, index) =>
    problem === undefined ? [] : [`spec.config.taints[${index}], which ${problem}`],
  );
  if (problems.length === 0) return { object, problems };
  const usable = judged.filter(({ problem }) => problem === undefined).map(({ taint }) => taint);
  return {
    object: withMember(object, "spec", withMember(spec, "config", withMember(config, "taints", usable))),
    problems,
  };
}

function withMember(holder: unknown, key: string, value: unknown): object {
  return Object.assign({}, holder, { [key]: value });
}

/** What the status is to say; nothing where all taints were always given. @param problems  see UsableTaints */
export function taintFindings({ status }: MachineInventory, problems: readonly string[]): readonly Finding[] {
  if (problems.length > 0) {
    const more = problems.length > TOLD ? [`and ${problems.length - TOLD} more`] : [];
    const which = [...problems.slice(0, TOLD), ...more].join("; ");
    const message = `the machine does not get ${which}: mend them, or take them out`;
    return [{ type: TYPE, status: "True", reason: "Unusable", message }];
  }
  const said = (status?.conditions ?? []).find(({ type }) => type === TYPE);
  if (said === undefined) return [];
  return [{ type: TYPE, status: "False", reason: "AllGiven", message: "the machine gets all of spec.config.taints" }];
}
