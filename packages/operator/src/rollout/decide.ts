/**
 * The decision about one image: which slots end, who gets one, what the status says then. It is made on one version of
 * the object and stored by compare-and-swap on that version: nothing else may grant or take a slot.
 */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { believedAttempt, type Waiting } from "@rancheros/protocol/upgrade";
import { concurrencyOf, serversAwayAtMost } from "./amount.ts";
import { canariesDone } from "./canaries-done.ts";
import type { CompiledImage } from "./compile-image.ts";
import { describeRollout, type Found } from "./describe-rollout.ts";
import { namedVersion } from "./effective-image.ts";
import { gateOf, type Gate } from "./gate.ts";
import { SLOTS_MAX, type Failure, type Slot } from "./slot.ts";
import { isAbout, isCanary, isServer } from "./machine-place.ts";
import { canonicalJson } from "./plan-id.ts";
import { withShownDigest } from "./resolved.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import type { RolloutView } from "./rollout-view.ts";
import { settle } from "./settle.ts";
import { isBusy } from "./silence.ts";
import { isLateToBegin } from "./slot-fate.ts";
import { isActiveFailure, tally, type Tally } from "./tally.ts";
import { earliest, timeText } from "./time-text.ts";
import { unclearStatus } from "./unclear-status.ts";
import { FAILED_HERE } from "./waiting.ts";

/** A machine that asks for a slot, as the API server has it now. */
export interface Candidate {
  readonly machine: RolloutMachine;
  readonly cluster: string;
}

export interface Decision {
  readonly status: ManagedOSImageStatus;
  readonly isChanged: boolean;
  readonly granted: readonly Slot[];
  readonly failed: readonly Failure[];
  /** Why a candidate gets nothing, by uid. */
  readonly refused: ReadonlyMap<string, Waiting>;
  /** When the decision may be another one by time alone. */
  readonly wakeAtMs: number | undefined;
}

const QUEUED: Waiting = { reason: "Queued", message: "other machines of the cluster are being upgraded" };
const SERVERS: Waiting = {
  reason: "ServersFirst",
  message: "no further server may be away: the cluster keeps its quorum",
};
const FULL: Waiting = {
  reason: "Queued",
  message: `${SLOTS_MAX} machines are being upgraded, as many as one ManagedOSImage keeps account of`,
};
const BUSY: Waiting = { reason: "Queued", message: "the machine is in the middle of another upgrade" };

function status(image: CompiledImage): ManagedOSImageStatus {
  return image.object.status ?? {};
}

interface Books {
  readonly slots: Slot[];
  failures: readonly Failure[];
  attempts: number;
  /** Machines that are as good as in a slot, by cluster; looked up once. */
  readonly others: Map<string, ReadonlySet<string>>;
}

/**
 * Machines of the cluster that are under way without a slot, as after a change of the image that has them. Who was given up
 * counts against the failure budget instead, until somebody asks for another try.
 */
function othersIn(view: RolloutView, cluster: string, books: Books): ReadonlySet<string> {
  const known = books.others.get(cluster);
  if (known !== undefined) return known;
  const failed = books.failures.filter((failure) => isActiveFailure(failure, view.seen(failure.uid)));
  // A machine that was moved here holds a slot of the cluster that it was in.
  const held = books.slots.filter((slot) => slot.cluster === cluster);
  const accounted = new Set([...held, ...failed].map(({ uid }) => uid));
  const busy = view.cluster(cluster).busy();
  const others = new Set(busy.filter((uid) => !accounted.has(uid)));
  books.others.set(cluster, others);
  return others;
}

/** Also where this very decision has found it out: a machine asks sooner after its last word than that is written. */
function hasFailed(view: RolloutView, books: Books, uid: string): boolean {
  const failure = books.failures.find((one) => one.uid === uid);
  return failure !== undefined && isActiveFailure(failure, view.seen(uid));
}

/** Why this machine gets none; undefined where it does. */
function refusalOf(
  view: RolloutView,
  gate: Gate,
  books: Books,
  candidate: Candidate,
  nowMs: number,
): Waiting | undefined {
  const { machine, cluster } = candidate;
  const { uid } = machine.metadata;
  if (hasFailed(view, books, uid)) return FAILED_HERE;
  if (gate.closed !== undefined) return gate.closed;
  if (gate.canariesOnly !== undefined && !isCanary(view.image, machine)) return gate.canariesOnly;
  if (isBusy(machine, nowMs, view.image.nodeTimeoutMs)) return BUSY;
  const place = view.cluster(cluster);
  const held = books.slots.filter((slot) => slot.cluster === cluster);
  // A slot of an earlier plan that the machine has not begun with is exchanged.
  const rest = held.filter((slot) => slot.uid !== uid);
  const limit = concurrencyOf(view.image.concurrency, place.total);
  const busy = rest.length + othersIn(view, cluster, books).size;
  if (busy >= limit) return QUEUED;
  if (held.length === rest.length && books.slots.length >= SLOTS_MAX) return FULL;
  if (!isServer(machine)) return undefined;
  const away = serversAwayIn(view, cluster, rest);
  away.delete(uid);
  return away.size < serversAwayAtMost(place.servers) ? undefined : SERVERS;
}

/** UIDs of servers of the cluster that are away. @param slots  of this image */
export function serversAwayIn(view: RolloutView, cluster: string, slots: Iterable<Slot>): Set<string> {
  const away = new Set(view.cluster(cluster).otherServersAway());
  for (const slot of slots) if (slot.cluster === cluster && slot.isServer === true) away.add(slot.uid);
  return away;
}

/** The machine's last grant by an image of this name, as it says: it takes none that is not later. */
function attemptSaid({ image }: RolloutView, { rollout: { upgrade } }: RolloutMachine): number {
  return upgrade?.image === image.object.metadata.name ? believedAttempt(upgrade.attempt) : 0;
}

/**
 * Later than all grants before, also those of an image of this name that was deleted, or whose status was lost or
 * restored: machines remember more of them than the last one, which is all that they say. None grants one a second for
 * all its life, so that the seconds since 1970 are ahead of whatever was counted.
 */
function nextAttempt(view: RolloutView, books: Books, machine: RolloutMachine, nowMs: number): number {
  return Math.max(books.attempts, attemptSaid(view, machine), Math.floor(nowMs / 1000)) + 1;
}

function grant(view: RolloutView, books: Books, { machine, cluster }: Candidate, plan: string, nowMs: number): Slot {
  const { name, uid } = machine.metadata;
  const { retry } = machine.rollout;
  const isRetry = books.failures.some((one) => one.uid === uid) || view.seen(uid)?.isBroken === true;
  books.attempts = nextAttempt(view, books, machine, nowMs);
  const slot: Slot = {
    machine: name,
    uid,
    cluster,
    attempt: books.attempts,
    plan,
    grantedAt: timeText(nowMs),
    ...(isServer(machine) ? { isServer: true } : {}),
    ...(isRetry || machine.rollout.upgrade?.plan === plan ? { isRetry: true } : {}),
    ...(retry === undefined ? {} : { retry }),
  };
  const at = books.slots.findIndex((one) => one.uid === uid);
  if (at === -1) books.slots.push(slot);
  else books.slots[at] = slot;
  books.failures = books.failures.filter((one) => one.uid !== uid);
  return slot;
}

/** The version as it is now: whoever deletes it then, the rollout goes on with what it said last; none of an osImage. */
function copyOfVersion({ plan, image }: RolloutView): Pick<ManagedOSImageStatus, "version"> {
  const name = namedVersion(image.source);
  if (name === undefined) return {};
  if (plan !== undefined && image.version !== undefined) return { version: { name, spec: image.version.spec } };
  const { version } = status(image);
  return version === undefined ? {} : { version };
}

/** Order of keys and times of no account: whether it is worth a write. */
function isSameStatus(a: ManagedOSImageStatus, b: ManagedOSImageStatus): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** Whether the slot that the machine holds may be exchanged for one of the current plan: it has not begun with it. */
function mayExchange(view: RolloutView, slot: Slot, machine: RolloutMachine): boolean {
  return slot.plan !== view.plan && !isAbout(machine, view.image.object.metadata.name, slot);
}

/** It asks, so that it has not begun: what it holds of an earlier plan is not to keep those from it who may begin in its place. */
function giveBack(books: Books, held: Slot | undefined, refusal: Waiting | undefined, { canariesOnly }: Gate): void {
  if (held === undefined || refusal === undefined) return;
  const isPassedOver = refusal === QUEUED || refusal === SERVERS || refusal === canariesOnly;
  if (isPassedOver) books.slots.splice(books.slots.indexOf(held), 1);
}

function nothingDecided(view: RolloutView, nowMs: number): Decision {
  const next = unclearStatus(view, nowMs);
  const isChanged = !isSameStatus(next, status(view.image));
  return { status: next, isChanged, granted: [], failed: [], refused: new Map(), wakeAtMs: undefined };
}

/**
 * @param candidates  machines that ask, in their order, read after the image was
 * @param found       whether the images can be had, where that has just been found out
 */
export function decide(view: RolloutView, candidates: readonly Candidate[], nowMs: number, found?: Found): Decision {
  const { image, plan } = view;
  if (image.isUnclear) return nothingDecided(view, nowMs);
  const settled = settle(view, nowMs);
  const books: Books = {
    slots: [...settled.slots],
    failures: settled.failures,
    attempts: believedAttempt(status(image).attempts),
    others: new Map(),
  };
  const count = (): Tally => tally(view.counts, books.slots, books.failures, (uid) => view.seen(uid));
  const before = count();
  const done = canariesDone(view, before, nowMs);
  const gateNow = (counted: Tally): Gate =>
    gateOf(image, plan, counted, { canariesDoneAt: done.canariesDoneAt, nowMs });
  const gate = gateNow(before);
  const { name } = image.object.metadata;
  const granted: Slot[] = [];
  const refused = new Map<string, Waiting>();
  for (const candidate of candidates) {
    const { uid } = candidate.machine.metadata;
    const held = books.slots.find((one) => one.uid === uid);
    if (held !== undefined && gate.closed !== undefined && isLateToBegin(held, candidate.machine, name, nowMs)) {
      books.slots.splice(books.slots.indexOf(held), 1);
      refused.set(uid, gate.closed);
      continue;
    }
    if (held !== undefined && !mayExchange(view, held, candidate.machine)) continue;
    const refusal = refusalOf(view, gate, books, candidate, nowMs);
    if (refusal !== undefined || plan === undefined) {
      refused.set(uid, refusal ?? QUEUED);
      giveBack(books, held, refusal, gate);
    } else granted.push(grant(view, books, candidate, plan, nowMs));
  }
  const counted = count();
  const { clusters, conflicts, refusals } = view;
  const last = gateNow(counted);
  const { canariesDoneAt: _at, canariesDoneFor: _for, version: _version, ...others } = status(image);
  const next = withShownDigest(image.object, {
    ...others,
    ...copyOfVersion(view),
    ...describeRollout({
      image,
      plan,
      counted,
      gate: last,
      clusters,
      conflicts,
      refusals,
      silentServers: view.silentServers(),
      found,
      nowMs,
    }),
    ...(image.object.metadata.generation === undefined ? {} : { observedGeneration: image.object.metadata.generation }),
    ...done,
    attempts: books.attempts,
    total: counted.total,
    updated: counted.updated,
    updating: counted.updating,
    failed: counted.failed,
    pending: counted.pending,
    ...(counted.refused === 0 && status(image).refused === undefined ? {} : { refused: counted.refused }),
    clusters,
    slots: books.slots,
    failures: [...books.failures],
  });
  return {
    status: next,
    isChanged: !isSameStatus(next, status(image)),
    granted,
    failed: settled.failed,
    refused,
    wakeAtMs: earliest(settled.wakeAtMs, last.changesAtMs),
  };
}
