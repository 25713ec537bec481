/** The words of a ManagedOSImage's status: state, message, conditions. */
import { RETRY_UPGRADE_ANNOTATION, type ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { SIGNATURE_ERRORS } from "@rancheros/protocol/signatures";
import type { PathRefusal } from "../versions/index.ts";
import { isNone } from "./amount.ts";
import type { CompiledImage } from "./compile-image.ts";
import { namedVersion } from "./effective-image.ts";
import type { Gate } from "./gate.ts";
import { SLOTS_MAX } from "./slot.ts";
import type { Tally } from "./tally.ts";
import { timeText } from "./time-text.ts";

type Condition = NonNullable<ManagedOSImageStatus["conditions"]>[number];
export type RolloutState = NonNullable<ManagedOSImageStatus["state"]>;

/** Why what the image refers to cannot be had. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
}

/** What has just been found out about that. */
export type Found = Trouble | "fine";

export interface RolloutFacts {
  readonly image: CompiledImage;
  readonly plan: string | undefined;
  readonly counted: Tally;
  readonly gate: Gate;
  /** How many clusters the targets choose. */
  readonly clusters: number;
  /** Machines that another image has, by its name. */
  readonly conflicts: ReadonlyMap<string, number>;
  /** Why machines may not go to the version, by their names. */
  readonly refusals: ReadonlyMap<string, PathRefusal>;
  /** Names of servers whose silence keeps the others of their clusters from starting. */
  readonly silentServers: readonly string[];
  /** Undefined where there is nothing new to say. */
  readonly found: Found | undefined;
  readonly nowMs: number;
}

/** What is found out now; without reason and message where all is as it should be. */
interface Finding {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

const MESSAGE_MAX = 1024;
const REFUSALS_SHOWN = 5;
const NAMES_SHOWN = 3;
const SLOT_LIMIT_MESSAGE = `${SLOTS_MAX} machines hold a slot, more fit into no status; for more at a time, divide the machines among several images`;

function problemsOf({ problems }: CompiledImage): string {
  return problems.join("; ").slice(0, MESSAGE_MAX);
}

function machines(count: number): string {
  return count === 1 ? "1 machine" : `${count} machines`;
}

function conflictMessage(conflicts: ReadonlyMap<string, number>): string {
  return [...conflicts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${machines(count)} belong to the older ManagedOSImage ${name}`)
    .join("; ")
    .slice(0, MESSAGE_MAX);
}

function refusalMessage(refusals: ReadonlyMap<string, PathRefusal>): string {
  // By name: each replica hears of machines in another order, and would write its own message over the other's.
  const names = [...refusals.keys()].sort().slice(0, REFUSALS_SHOWN);
  const shown = names.map((name) => `${name}: ${refusals.get(name)?.message ?? ""}`);
  const rest = refusals.size > shown.length ? [`and ${refusals.size - shown.length} more`] : [];
  return [...shown, ...rest].join("; ").slice(0, MESSAGE_MAX);
}

/** Where nothing of what is to be seen moves, and all is as it should be. */
function silenceMessage({ counted, silentServers }: RolloutFacts): string {
  if (counted.updating > 0 || silentServers.length === 0) return "";
  const shown = silentServers.slice(0, NAMES_SHOWN).join(", ");
  const rest = silentServers.length > NAMES_SHOWN ? ` and ${silentServers.length - NAMES_SHOWN} more` : "";
  return `no further server starts where one has not come back: ${shown}${rest}; `;
}

function progressMessage({ total, updated, updating, failed, refused }: Tally): string {
  const parts = [`${updated} of ${machines(total)} updated`];
  if (updating > 0) parts.push(`${updating} under way`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (refused > 0) parts.push(`${refused} may not go there from what they run`);
  return parts.join(", ");
}

/** All that failed counts as within the budget: nobody is asked for anything, and nothing goes on by itself. */
function leftMessage({ counted: { updating, pending, failed } }: RolloutFacts): string {
  if (updating > 0 || pending > 0 || failed === 0) return "";
  return `; nothing is left to be tried: see status.failures, and let a machine try again by the annotation ${RETRY_UPGRADE_ANNOTATION}`;
}

function emptyMessage({ image, clusters }: RolloutFacts): string {
  if (image.claim?.hasTargets === false) return "spec.targets is empty: the image is for no cluster";
  return clusters === 0 ? "spec.targets chooses no cluster" : "no machine of its clusters matches nodeSelector";
}

function resolvedFinding({ image, plan, found }: RolloutFacts, old: readonly Condition[]): Finding {
  const type = "Resolved";
  if (image.problems.length > 0) return { type, status: "Unknown", reason: "Invalid", message: "the image is invalid" };
  if (found !== undefined && found !== "fine") {
    return { type, status: "False", reason: found.reason, message: found.message.slice(0, MESSAGE_MAX) };
  }
  // What another replica has found out about this very spec stands until somebody knows better.
  const before = old.find((one) => one.type === type);
  const stands = before?.status === "False" && before.observedGeneration === image.object.metadata.generation;
  if (found === undefined && stands) {
    return { type, status: "False", reason: before.reason ?? "", message: before.message ?? "" };
  }
  return plan === undefined
    ? { type, status: "Unknown", reason: "Resolving", message: "the registry is being asked" }
    : { type, status: "True", reason: "Resolved", message: image.object.status?.reference ?? "" };
}

interface Stand {
  readonly state: RolloutState;
  readonly message: string;
}

/** Refused: the registry has answered, and that nothing begins is the policy's doing. */
function unresolvedState({ status, reason }: Finding): RolloutState {
  return status === "False" && Object.hasOwn(SIGNATURE_ERRORS, reason) ? "Refused" : "Resolving";
}

function isComplete({ image, plan, counted }: RolloutFacts): boolean {
  const isAll = counted.total > 0 && counted.updated === counted.total && counted.updating === 0;
  return plan !== undefined && isAll && !isNone(image.concurrency) && image.problems.length === 0;
}

function standOf(facts: RolloutFacts, resolved: Finding): Stand {
  const { image, plan, counted, gate, conflicts } = facts;
  const progress = progressMessage(counted);
  if (image.problems.length > 0) return { state: "Invalid", message: problemsOf(image) };
  if (counted.total === 0 && counted.updating === 0) {
    if (conflicts.size > 0) return { state: "Conflict", message: conflictMessage(conflicts) };
    return { state: "NoMachines", message: emptyMessage(facts) };
  }
  if (plan === undefined) return { state: unresolvedState(resolved), message: resolved.message };
  if (isNone(image.concurrency)) return { state: "Paused", message: `concurrency is 0; ${progress}` };
  if (isComplete(facts)) return { state: "Complete", message: progress };
  if (image.isSuspended) return { state: "Suspended", message: `suspend is true; ${progress}` };
  if (gate.halted !== undefined) return { state: "Halted", message: `${gate.halted}; ${progress}` };
  // After what keeps machines from starting whatever is found: that is for somebody to see to.
  if (resolved.status === "False") return { state: "Resolving", message: `${resolved.message}; ${progress}` };
  if (gate.windowClosed !== undefined) return { state: "WindowClosed", message: `${gate.windowClosed}; ${progress}` };
  if (gate.soaking !== undefined) return { state: "Soaking", message: `${gate.soaking}; ${progress}` };
  const held = gate.canariesOnly !== undefined && counted.canaries === 0 ? `${gate.canariesOnly.message}; ` : "";
  return { state: "Progressing", message: `${held}${silenceMessage(facts)}${progress}${leftMessage(facts)}` };
}

function flag(type: string, message: string | undefined, otherwise: string): Finding {
  return message === undefined
    ? { type, status: "False", reason: otherwise, message: "" }
    : { type, status: "True", reason: type, message };
}

const PATH_REFUSED = "PathRefused";

/** Of an image by its own name there is no path, whatever was said of a version that it named before. */
function withoutPath({ source }: CompiledImage, old: readonly Condition[]): readonly Condition[] {
  return namedVersion(source) === undefined ? old.filter(({ type }) => type !== PATH_REFUSED) : old;
}

/** Of a version that cannot be read nothing is found out. */
function pathFindings({ version }: CompiledImage, refusals: ReadonlyMap<string, PathRefusal>): readonly Finding[] {
  if (version === undefined) return [];
  return [flag(PATH_REFUSED, refusals.size === 0 ? undefined : refusalMessage(refusals), "NoneRefused")];
}

function matchFinding(facts: RolloutFacts): Finding {
  const type = "TargetsMatched";
  const { image, clusters } = facts;
  if (image.claimProblems.length > 0) {
    const message = image.claimProblems.join("; ").slice(0, MESSAGE_MAX);
    return { type, status: "Unknown", reason: "Invalid", message };
  }
  return clusters > 0
    ? { type, status: "True", reason: "Matched", message: "" }
    : { type, status: "False", reason: "NoCluster", message: emptyMessage(facts) };
}

function findings(facts: RolloutFacts, stand: Stand, resolved: Finding): readonly Finding[] {
  const { image, gate, conflicts, refusals, counted } = facts;
  const { state } = stand;
  const isPaused = isNone(image.concurrency) || image.isSuspended;
  const isUnder = state === "Progressing" || state === "Soaking" || counted.updating > 0;
  return [
    { type: "Progressing", status: isUnder ? "True" : "False", reason: state, message: "" },
    { type: "Complete", status: state === "Complete" ? "True" : "False", reason: state, message: "" },
    flag("Paused", isPaused ? (image.isSuspended ? "suspend is true" : "concurrency is 0") : undefined, "Running"),
    flag("Halted", gate.halted, "WithinBudget"),
    flag("Conflict", conflicts.size === 0 ? undefined : conflictMessage(conflicts), "NoConflict"),
    ...pathFindings(image, refusals),
    flag("WindowClosed", gate.windowClosed, image.window === undefined ? "NoWindow" : "Open"),
    flag("SlotLimit", counted.updating < SLOTS_MAX ? undefined : SLOT_LIMIT_MESSAGE, "BelowLimit"),
    flag("Invalid", image.problems.length === 0 ? undefined : problemsOf(image), "Valid"),
    resolved,
    matchFinding(facts),
  ];
}

function withFindings(
  old: readonly Condition[],
  found: readonly Finding[],
  generation: number | undefined,
  nowMs: number,
): readonly Condition[] {
  const now = timeText(nowMs);
  const ours = found.map((one): Condition => {
    const before = old.find((condition) => condition.type === one.type);
    const isSame = before?.status === one.status;
    return {
      ...one,
      lastTransitionTime: isSame ? (before?.lastTransitionTime ?? now) : now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
  // Conditions of other writers stay; what the original operator wrote of its bundle (Ready, Processed, Defined) nobody
  // keeps true any more, and is told by the time of its update, which we do not write.
  const others = old.filter((one) => one.lastUpdateTime === undefined && !found.some(({ type }) => type === one.type));
  return [...others, ...ours];
}

/** State, message and all conditions; times of conditions change only where their status does. */
export function describeRollout(
  facts: RolloutFacts,
): Required<Pick<ManagedOSImageStatus, "state" | "message" | "conditions">> {
  const { object } = facts.image;
  const old = withoutPath(facts.image, object.status?.conditions ?? []);
  const resolved = resolvedFinding(facts, old);
  const stand = standOf(facts, resolved);
  const found = findings(facts, stand, resolved).map((one) => ({ ...one, message: one.message.toWellFormed() }));
  // Half a character is stored as another one, and would be written again and again.
  return {
    ...stand,
    message: stand.message.toWellFormed(),
    conditions: [...withFindings(old, found, object.metadata.generation, facts.nowMs)],
  };
}
