/** From a ManagedOSImage to what rollouts go by: every field read once, every bad one named. */
import { ImageReferenceError, parseImageReference } from "@rancheros/protocol/images";
import { durationMs, type ManagedOSImage } from "@rancheros/protocol/resources";
import { isNextSpec } from "../controller/index.ts";
import {
  compileSelector,
  compileTargets,
  type LabelMatch,
  type LabelSelector,
  type TargetMatch,
} from "../fleet/index.ts";
import { nestingProblems, variableProblems, type VersionFacts } from "../versions/index.ts";
import { parseAmount, type Amount } from "./amount.ts";
import { canariesId } from "./canaries-id.ts";
import type { EffectiveImage } from "./effective-image.ts";
import { compileWindow, type Window } from "./window.ts";

/** Namespace of the images for the cluster in which the operator runs. */
export const LOCAL_NAMESPACE = "fleet-local";
/** What the cluster of that namespace is called. */
export const LOCAL_CLUSTER = "local";

const DEFAULT_NODE_TIMEOUT_MS = 2 * 3_600_000;
const LONGEST_NODE_TIMEOUT_MS = 30 * 86_400_000;

/** Which machines the image is for. */
export interface Claim {
  /** Which of the namespace's Fleet clusters; undefined: the local cluster. */
  readonly targets: TargetMatch | undefined;
  readonly hasTargets: boolean;
  readonly nodes: LabelMatch;
}

export interface Canary {
  readonly nodes: LabelMatch;
  readonly soakMs: number;
  /** Names the selector. */
  readonly id: string;
}

export interface CompiledImage {
  /** With what the version that it names says. */
  readonly object: ManagedOSImage;
  /** As the API server has it. */
  readonly source: ManagedOSImage;
  /** Undefined where it names an image, or where the version is of no use; see problems. */
  readonly version: VersionFacts | undefined;
  readonly versionId: string;
  readonly key: string;
  /** Undefined where it cannot be told: neither by this spec nor by an earlier one of the image. */
  readonly claim: Claim | undefined;
  /** Of the problems, those of what the image is for: where there are any, that is known from before or not at all. */
  readonly claimProblems: readonly string[];
  /** Whether nobody can tell for which machines it is. */
  readonly isUnclear: boolean;
  /** Problems and claimProblems without those of ClusterGroups; see chosenBy. */
  readonly ofSpec: Readonly<Record<"problems" | "claimProblems", readonly string[]>>;
  readonly concurrency: Amount;
  readonly failureBudget: Amount;
  readonly nodeTimeoutMs: number;
  readonly window: Window | undefined;
  readonly canary: Canary | undefined;
  readonly order: "ServersFirst" | "AgentsFirst" | "Any";
  readonly isSuspended: boolean;
  /** One sentence for each bad field. */
  readonly problems: readonly string[];
}

export function imageKey(object: { readonly namespace: string; readonly name: string }): string {
  return `${object.namespace}/${object.name}`;
}

const EVERYTHING: LabelMatch = () => true;

function nodesOf(
  selector: LabelSelector | null | undefined,
  field: string,
  problems: string[],
): LabelMatch | undefined {
  if (selector === null || selector === undefined) return EVERYTHING;
  const compiled = compileSelector(selector, field);
  if (compiled.ok) return compiled.matches;
  problems.push(...compiled.problems);
  return undefined;
}

function claimOf({ metadata, spec }: ManagedOSImage, problems: string[]): Claim | undefined {
  const nodes = nodesOf(spec.nodeSelector, "spec.nodeSelector", problems);
  const field = spec.clusterTargets ? "spec.clusterTargets" : "spec.targets";
  const targets = spec.clusterTargets ?? spec.targets ?? [];
  if (metadata.namespace === LOCAL_NAMESPACE) {
    if (targets.length > 0) {
      problems.push("spec.targets should be empty if in the fleet-local namespace");
      return undefined;
    }
    return nodes === undefined ? undefined : { targets: undefined, hasTargets: true, nodes };
  }
  const compiled = compileTargets(targets, field);
  if (!compiled.ok) {
    problems.push(...compiled.problems);
    return undefined;
  }
  return nodes === undefined ? undefined : { targets: compiled.match, hasTargets: targets.length > 0, nodes };
}

/** One that was made anew under the name is another image; of one of which a spec was missed nobody knows what it was for last. */
function claimBefore(
  { uid, generation }: ManagedOSImage["metadata"],
  before: { readonly image: CompiledImage } | undefined,
): Claim | undefined {
  const known = before?.image.object.metadata;
  return known?.uid === uid && isNextSpec(known.generation, generation) ? before?.image.claim : undefined;
}

function checkReference(text: string | undefined, field: string, problems: string[]): void {
  if (text === undefined || text === "") {
    problems.push(`${field}: is missing`);
    return;
  }
  try {
    parseImageReference(text);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    problems.push(...error.problems.map((one) => `${field}: ${one}`));
  }
}

/** Of a version that is of no use, that is said, and not that there is no osImage. */
function checkImages({ object: { spec }, problems: versionProblems }: EffectiveImage, problems: string[]): void {
  if (versionProblems.length > 0) {
    problems.push(...versionProblems);
    return;
  }
  checkReference(spec.osImage, "spec.osImage", problems);
  if (spec.prepare) checkReference(spec.prepare.image, "spec.prepare.image", problems);
  // Without an image of its own, the container is one of osImage.
  if (spec.upgradeContainer?.image) {
    checkReference(spec.upgradeContainer.image, "spec.upgradeContainer.image", problems);
  }
}

function amount(
  value: number | string | null | undefined,
  fallback: number,
  field: string,
  problems: string[],
): Amount {
  const parsed = parseAmount(value ?? fallback);
  if (parsed !== undefined) return parsed;
  problems.push(`${field}: ${JSON.stringify(value)} is neither a number of nodes nor a percentage`);
  return { kind: "count", count: 0 };
}

function span(value: number | string | undefined, fallbackMs: number, field: string, problems: string[]): number {
  if (value === undefined) return fallbackMs;
  const ms = durationMs(value);
  if (ms !== undefined) return ms;
  problems.push(`${field}: ${JSON.stringify(value)} is no duration`);
  return fallbackMs;
}

/** Where it is none, nobody's time is over because of it. */
function nodeTimeoutOf({ spec }: ManagedOSImage, problems: string[]): number {
  const ms = span(spec.nodeTimeout, DEFAULT_NODE_TIMEOUT_MS, "spec.nodeTimeout", problems);
  if (ms >= 1000 && ms <= LONGEST_NODE_TIMEOUT_MS) return ms;
  problems.push("spec.nodeTimeout: is not between one second and 30 days");
  return LONGEST_NODE_TIMEOUT_MS;
}

function canaryOf({ spec }: ManagedOSImage, problems: string[]): Canary | undefined {
  const { canary } = spec;
  if (canary === null || canary === undefined || canary.selector === null) return undefined;
  const nodes = nodesOf(canary.selector, "spec.canary.selector", problems);
  const soakMs = span(canary.soakTime, 0, "spec.canary.soakTime", problems);
  // What cannot be read holds the rollout up by itself; see problems.
  return nodes === undefined ? undefined : { nodes, soakMs, id: canariesId(canary.selector) };
}

/**
 * Never throws: what is wrong is listed, and an image with problems lets no machine start.
 * @param before  of that name: where nobody can tell for which machines it is now, those of before stay its own
 */
export function compileImage(effective: EffectiveImage, before?: { readonly image: CompiledImage }): CompiledImage {
  const { object, source, version, versionId } = effective;
  const { metadata, spec } = object;
  const problems: string[] = [];
  checkImages(effective, problems);
  problems.push(...nestingProblems(spec, "spec"));
  problems.push(...variableProblems(spec.prepare, "spec.prepare"));
  problems.push(...variableProblems(spec.upgradeContainer, "spec.upgradeContainer"));
  const claimProblems: string[] = [];
  const claim = claimOf(object, claimProblems) ?? claimBefore(metadata, before);
  problems.push(...claimProblems);
  const order = spec.order === "AgentsFirst" || spec.order === "Any" ? spec.order : "ServersFirst";
  return {
    object,
    source,
    version,
    versionId,
    key: imageKey(metadata),
    claim,
    claimProblems,
    isUnclear: claim === undefined,
    ofSpec: { problems, claimProblems },
    concurrency: amount(spec.concurrency, 1, "spec.concurrency", problems),
    failureBudget: amount(spec.failureBudget, 0, "spec.failureBudget", problems),
    nodeTimeoutMs: nodeTimeoutOf(object, problems),
    window: spec.window ? compileWindow(spec.window, problems) : undefined,
    canary: canaryOf(object, problems),
    order,
    isSuspended: spec.suspend === true,
    problems,
  };
}

type Made = Pick<ManagedOSImage["metadata"], "uid" | "creationTimestamp">;

/** Which of two images for one machine wins: the older one, and of two of one second that with the lower uid. */
export function olderFirst(a: Made, b: Made): number {
  const [madeA, madeB] = [a.creationTimestamp ?? "", b.creationTimestamp ?? ""];
  if (madeA !== madeB) return madeA < madeB ? -1 : 1;
  return a.uid < b.uid ? -1 : 1;
}

/** Neither the object's spec nor what the version says has changed since. */
export function isSameSpec(known: CompiledImage, { source, versionId }: EffectiveImage): boolean {
  const { generation } = source.metadata;
  return generation !== undefined && generation === known.source.metadata.generation && versionId === known.versionId;
}
