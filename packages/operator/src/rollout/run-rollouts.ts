/** The rollouts of one replica: answers machines, follows what changes, and lets the workers of the images write. */
import type { Waiting } from "@rancheros/protocol/upgrade";
import { createTroubles, errorFields } from "../telemetry/index.ts";
import { imageKey } from "./compile-image.ts";
import { createHearing } from "./hearing.ts";
import { ImageResolvers } from "./image-resolvers.ts";
import type { ImageState } from "./image-state.ts";
import { ImageWorker } from "./image-worker.ts";
import { ImageWorkers } from "./image-workers.ts";
import { isAbout } from "./machine-place.ts";
import { machinePaceSeconds } from "./machine-pace.ts";
import { aliveMs, fleetPaceSeconds, jittered } from "./pace.ts";
import { PlanMaker } from "./plan-maker.ts";
import type { Asked, Rollouts } from "./rollout-desk.ts";
import { Readiness } from "./readiness.ts";
import { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { isBusy } from "./silence.ts";
import { isLateToBegin } from "./slot-fate.ts";
import type { Slot } from "./slot.ts";
import { Standings } from "./standings.ts";
import { createWhetherReady } from "./create-whether-ready.ts";
import { createTellMachine } from "./tell-machine.ts";
import { TurnTimes } from "./turn-times.ts";
import { isItsTurn, waitingAs, type Place } from "./turn.ts";
import { UnreadImages, type UnreadImage } from "./unread-images.ts";
import { ANOTHER_FIRST, NO_IMAGE, NOT_APPROVED, QUEUED, shortened } from "./waiting.ts";
import type { ManagedOSImage } from "@rancheros/protocol/resources";

/** Right after the start, who was seen so lately counts as alive until it had the time to ask. */
const SEEN_LATELY_MS = 15 * 60_000;

export interface RolloutRun extends Omit<Rollouts, "quietMs" | "notReady" | "counts"> {
  onImage(object: ManagedOSImage): void;
  /** The object is stored, and is no ManagedOSImage as far as this operator knows; see UnreadImages. */
  onImageUnread(image: UnreadImage): void;
  onImageGone(object: { readonly metadata: { readonly name: string; readonly namespace: string } }): void;
  onImagesSynced(): void;
  /** See WatchedResource. */
  onImagesWentBack(): void;
  onFleet(namespace: string): void;
  /** A ManagedOSVersion has come, changed, or gone. */
  onVersion(namespace: string, name: string): void;
  /** Another registry is that of images which name none. */
  onDefaultRegistry(): void;
  readonly index: RolloutIndex;
  readonly imagesSynced: () => boolean;
  readonly unread: Pick<UnreadImages, "has" | "size">;
}

export function runRollouts(parts: RolloutParts): RolloutRun {
  const { nowMs, random } = parts;
  const index = new RolloutIndex(parts.fleet, parts.versions, parts.defaultRegistry);
  const troubles = createTroubles(nowMs);
  const turnTimes = new TurnTimes();
  let startedMs: number | undefined;
  const workers = new ImageWorkers(
    (key) => index.image(key) !== undefined,
    (key) => new ImageWorker(key, index, { ...parts, hearing }, () => whetherReady(key), touch),
  );
  const resolvers = new ImageResolvers(index, parts, {
    onFound(key, found) {
      if (found === "fine") troubles.over(key);
      workers.of(key).report(found);
    },
    onFailure: (key, error) => warn("image not resolved", key, error),
  });
  const plans = new PlanMaker(index, parts, {
    onHad: (key) => troubles.over(key),
    onFailure: (key, error) => warn("plan not made", key, error),
    onFound: (key, found) => workers.of(key).report(found),
  });
  const unread = new UnreadImages(index);
  const readiness = new Readiness({ ...parts, index, unread, imagesSynced: () => isSynced });
  const hearing = createHearing(parts);
  const isReady = (key: string): boolean => readiness.isReady(key);
  const whetherReady = createWhetherReady({ ...parts, index, readiness, troubles });
  const standings = new Standings(index, isReady, hearing);
  let isSynced = false;

  /** Retries, and machines that ask, come by the minute. */
  function warn(sentence: string, image: string, error: unknown): void {
    const fields = errorFields(error);
    if (troubles.isNews(image, fields.error)) parts.log.warn(sentence, { image, ...fields });
  }

  function forget(key: string): void {
    troubles.over(key);
    workers.forget(key);
    resolvers.forget(key);
    plans.looks.forget(key);
  }

  function dropImage(object: { readonly metadata: { readonly name: string; readonly namespace: string } }): void {
    const key = imageKey(object.metadata);
    unread.delete(key);
    touch(index.deleteImage(object));
    forget(key);
  }

  function touch(images: ReadonlySet<ImageState>): void {
    for (const image of images) {
      standings.forget(image);
      if (index.image(image.image.key) === image) workers.of(image.image.key).touch(image);
    }
  }

  async function request(place: Place): Promise<Pick<Asked, "plan" | "waiting">> {
    const { image, state } = place;
    // Before the slot: a machine that holds one without being told what to do keeps others from theirs.
    const unresolved = await plans.check(image);
    if (unresolved !== undefined) return { plan: undefined, waiting: unresolved };
    const { uid } = state.machine.metadata;
    const refusal = await workers.of(image.image.key).ask(uid);
    const now = placeOf(uid);
    if (now === undefined) return { plan: undefined, waiting: NO_IMAGE };
    if (refusal === undefined) return plans.planOrWaiting(now.image, uid);
    return { plan: undefined, waiting: waitingAs(now) ?? refusal };
  }

  /** What the images are about may be something else now. */
  function renew(states: readonly ImageState[]): void {
    for (const state of states) {
      const { key } = state.image;
      touch(index.putImage(state.image.source));
      const image = index.image(key);
      if (image === undefined || image === state) continue;
      workers.of(key).wakeSoon();
      resolvers.look(image);
    }
  }

  function placeOf(uid: string): Place | undefined {
    const state = index.machine(uid);
    const image = state?.claims[0];
    if (state === undefined || image === undefined) return undefined;
    return { state, image, standing: standings.of(image, nowMs()) };
  }

  /** For a machine that holds a slot of this plan. */
  function goOn(place: Place, slot: Slot): ReturnType<typeof request> {
    const { image, state, standing: stand } = place;
    const isLate = isLateToBegin(slot, state.machine, image.image.object.metadata.name, nowMs());
    return isLate && stand.gate.closed !== undefined
      ? request(place)
      : plans.planOrWaiting(image, state.machine.metadata.uid);
  }

  /** For a machine that holds a slot of an earlier plan. @param waiting  what keeps it from one of the current plan */
  async function exchange(place: Place, slot: Slot, waiting: Waiting | undefined): ReturnType<typeof request> {
    const { image, state, standing: stand } = place;
    // The canaries may have nothing to begin with but what it gives back.
    if (waiting !== undefined && waiting !== stand.gate.canariesOnly) return { plan: undefined, waiting };
    const hasBegun = isAbout(state.machine, image.image.object.metadata.name, slot);
    return hasBegun ? { plan: undefined, waiting: waiting ?? ANOTHER_FIRST } : request(place);
  }

  async function decideFor(uid: string): Promise<Pick<Asked, "plan" | "waiting">> {
    const wait = (waiting: Waiting) => ({ plan: undefined, waiting });
    const state = index.machine(uid);
    if (state === undefined || state.machine.beingDeleted) return wait(NO_IMAGE);
    if (state.machine.approval !== "Approved") return wait(NOT_APPROVED);
    const place = placeOf(uid);
    const blind = readiness.waiting(state.machine.metadata.namespace, place?.image);
    if (place === undefined || blind !== undefined) return wait(blind ?? NO_IMAGE);
    const { image } = place;
    const slot = place.standing.slots.get(uid);
    if (slot !== undefined && slot.plan === image.plan) return goOn(place, slot);
    const waiting = waitingAs(place);
    if (slot !== undefined) return exchange(place, slot, waiting);
    if (waiting !== undefined) return wait(waiting);
    if (isBusy(state.machine, nowMs(), image.image.nodeTimeoutMs)) return wait(ANOTHER_FIRST);
    return isItsTurn(place) ? request(place) : wait(QUEUED);
  }

  function paceOf(uid: string, asked: Pick<Asked, "plan" | "waiting">): number {
    const machines = Math.max(index.aliveCount, isStarting() ? index.size : 0);
    return machinePaceSeconds({ index, turnTimes, nowMs: nowMs(), machines }, uid, asked);
  }

  /** By a clock that the API server's first answer has put right. */
  function startedAt(): number {
    startedMs ??= nowMs();
    return startedMs;
  }

  function isStarting(): boolean {
    return nowMs() - startedAt() < aliveMs(fleetPaceSeconds(index.size));
  }

  function keepSeenAlive(machine: RolloutMachine): void {
    const { lastSeenMs } = machine.rollout;
    if (lastSeenMs === undefined || !isStarting() || nowMs() - lastSeenMs > SEEN_LATELY_MS) return;
    index.keepAlive(machine.metadata.uid, startedAt() + aliveMs(fleetPaceSeconds(index.size)));
  }

  const grounds = (key: string) => ({
    isSynced,
    isUnread: readiness.isUnread(key),
    areVersionsKnown: parts.versionsSynced(),
  });
  const tellMachine = createTellMachine({ ...parts, index, touch, grounds });

  return {
    index,
    unread,
    imagesSynced: () => isSynced,
    async ask(machine) {
      const { uid } = machine.metadata;
      const now = nowMs();
      index.expire(now);
      touch(index.putMachine(machine));
      turnTimes.note(index.machine(uid), now);
      // While it is answered; then as its pace is.
      index.keepAlive(uid, now + aliveMs(0));
      const asked = await decideFor(uid);
      const seconds = jittered(paceOf(uid, asked), random());
      index.keepAlive(uid, nowMs() + aliveMs(seconds));
      return { plan: asked.plan, waiting: shortened(asked.waiting), nextAskInSeconds: seconds };
    },
    told: tellMachine,
    onMachine(machine) {
      touch(index.putMachine(machine));
      turnTimes.note(index.machine(machine.metadata.uid), nowMs());
      keepSeenAlive(machine);
    },
    onMachineGone: (object) => touch(index.deleteMachine(object)),
    onImage(object) {
      const key = imageKey(object.metadata);
      const before = index.image(key)?.image.object.metadata.generation;
      unread.delete(key);
      touch(index.putImage(object));
      const image = index.image(key);
      if (image === undefined) return;
      if (before !== object.metadata.generation) workers.of(key).wakeSoon();
      resolvers.look(image);
      plans.looks.look(image);
    },
    onImageUnread(image) {
      const { namespace, uid } = image.metadata;
      const known = index.image(imageKey(image.metadata));
      if (known !== undefined && known.image.object.metadata.uid !== uid) dropImage(image);
      unread.put(image);
      touch(new Set(index.imagesOf(namespace)));
    },
    onImageGone: dropImage,
    onImagesSynced() {
      isSynced = true;
    },
    onMachinesWentBack: () => index.machinesWentBack(),
    onImagesWentBack: () => index.imagesWentBack(),
    onVersion: (namespace, name) => renew(index.namingVersion(namespace, name)),
    onDefaultRegistry: () => renew(index.images()),
    queue: () => resolvers.load(),
    onFleet(namespace) {
      const changed = index.refreshFleet(namespace);
      touch(changed);
      for (const image of changed) resolvers.look(image);
    },
    async stop() {
      workers.stop();
      resolvers.stop();
      plans.looks.stop();
    },
  };
}
