/**
 * What one replica knows of all machines and images, kept so that a change of one machine costs the same whether there
 * are ten or ten thousand. Only a change of an image's spec, or of Fleet's objects, looks at all machines of a namespace.
 */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { ByNamespace, GoneUids } from "../controller/index.ts";
import { NO_VERSIONS, type VersionLookup } from "../versions/index.ts";
import { chosenBy, isSameChoice, type FleetLookup } from "./chosen-by.ts";
import { ClusterServers } from "./cluster-servers.ts";
import { compileImage, imageKey, isSameSpec, olderFirst, type CompiledImage } from "./compile-image.ts";
import { effectiveImage, namedVersion } from "./effective-image.ts";
import { Expiry } from "./expiry.ts";
import { Fronts } from "./fronts.ts";
import { ImageState, type MachineState } from "./image-state.ts";
import { isUnderWay } from "./machine-place.ts";
import { isSameState, machineState } from "./machine-state.ts";
import { OutdatedVersions } from "./outdated-versions.ts";
import { currentPlan } from "./resolved.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { isWaiting } from "./turn.ts";

interface Named {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

const UNCHANGED: ReadonlySet<ImageState> = new Set();

export class RolloutIndex {
  readonly #fleet: FleetLookup;
  readonly #versions: VersionLookup;
  readonly #defaultRegistry: RolloutParts["defaultRegistry"];
  readonly #images = new Map<string, ImageState>();
  /** By namespace, the oldest first. */
  readonly #ordered = new Map<string, readonly ImageState[]>();
  readonly #machines = new ByNamespace<MachineState>();
  readonly #byUid = new Map<string, MachineState>();
  readonly servers = new ClusterServers();
  readonly #gone = { machines: new GoneUids(), images: new GoneUids() };
  /** Of machines and images. */
  readonly #outdated = new OutdatedVersions();
  /** Machines that asked lately, by uid. */
  readonly #alive = new Expiry<string>();
  readonly fronts = new Fronts();

  constructor(
    fleet: FleetLookup,
    versions: VersionLookup = NO_VERSIONS,
    defaultRegistry: RolloutParts["defaultRegistry"] = () => undefined,
  ) {
    this.#fleet = fleet;
    this.#versions = versions;
    this.#defaultRegistry = defaultRegistry;
  }

  get size(): number {
    return this.#byUid.size;
  }

  get aliveCount(): number {
    return this.#alive.size;
  }

  images(): readonly ImageState[] {
    return [...this.#images.values()];
  }

  image(key: string): ImageState | undefined {
    return this.#images.get(key);
  }

  imagesOf(namespace: string): readonly ImageState[] {
    return this.#ordered.get(namespace) ?? [];
  }

  machine(uid: string): MachineState | undefined {
    return this.#byUid.get(uid);
  }

  /** Whether this replica has seen that the machine was deleted. */
  isGone(uid: string): boolean {
    return this.#gone.machines.has(uid);
  }

  /** That it is not there, of one that this replica has never seen. */
  noteGone(uid: string): void {
    if (!this.#byUid.has(uid)) this.#gone.machines.add(uid);
  }

  /** The same of an image. */
  isImageGone(uid: string): boolean {
    return this.#gone.images.has(uid);
  }

  /** The API server was put back to an earlier state: of each machine, what it shows next is newer, whatever its version. */
  machinesWentBack(): void {
    this.#outdated.add(this.#byUid.keys());
  }

  /** The same of images. */
  imagesWentBack(): void {
    this.#outdated.add(this.images().map(({ image }) => image.object.metadata.uid));
  }

  // --- machines ---

  /** As the watch shows it. @returns the images for which something has changed */
  putMachine(machine: RolloutMachine): ReadonlySet<ImageState> {
    const { namespace, uid } = machine.metadata;
    const old = this.#machines.get(machine.metadata);
    // Who asks again, and is what it was.
    if (old?.machine === machine) return UNCHANGED;
    const known = old?.machine.metadata.uid === uid ? old.machine.metadata : undefined;
    if (known !== undefined && this.#outdated.isOlder(machine.metadata, known)) return UNCHANGED;
    if (old !== undefined && old.machine.metadata.uid !== uid) this.deleteMachine(old.machine);
    else if (old !== undefined) this.#take(old);
    const state = machineState(machine, this.imagesOf(namespace));
    this.#machines.set(machine.metadata, state);
    this.#byUid.set(uid, state);
    this.#gone.machines.delete(uid);
    this.#add(state);
    if (old !== undefined && isSameState(old, state)) return UNCHANGED;
    return new Set([...(old?.claims ?? []), ...state.claims, ...this.#holding(uid, namespace)]);
  }

  deleteMachine(object: Named): ReadonlySet<ImageState> {
    const { namespace } = object.metadata;
    const old = this.#machines.get(object.metadata);
    if (old === undefined) return new Set();
    const { uid } = old.machine.metadata;
    this.#take(old);
    this.#machines.delete(object.metadata);
    this.#byUid.delete(uid);
    this.#alive.delete(uid);
    this.#outdated.forget(uid);
    this.#gone.machines.add(uid);
    return new Set([...old.claims, ...this.#holding(uid, namespace)]);
  }

  /** The machine counts as alive until then; later calls never make it shorter. */
  keepAlive(uid: string, untilMs: number): void {
    const isNew = !this.#alive.has(uid);
    this.#alive.renew(uid, untilMs);
    const state = this.#byUid.get(uid);
    if (isNew && state !== undefined) this.#place(state);
  }

  /** Lets machines go that have not asked for long. */
  expire(nowMs: number): void {
    for (const uid of this.#alive.expired(nowMs)) {
      const state = this.#byUid.get(uid);
      if (state !== undefined) this.#place(state);
    }
  }

  #holding(uid: string, namespace: string): readonly ImageState[] {
    return this.imagesOf(namespace).filter((image) => image.slots.has(uid) || image.failures.has(uid));
  }

  #add(state: MachineState): void {
    this.#count(state, 1);
    this.#place(state);
  }

  #take(state: MachineState): void {
    this.#count(state, -1);
    const [winner] = state.claims;
    const group = winner?.group(state.cluster);
    if (group === undefined) return;
    const { uid } = state.machine.metadata;
    group.waiting.delete(state.orderKey());
    group.waitingServers.delete(state.orderKey());
    group.underWay.delete(uid);
    if (winner !== undefined) this.fronts.refresh(winner, group);
  }

  #count(state: MachineState, by: 1 | -1): void {
    const { machine, cluster, claims } = state;
    if (cluster !== undefined && state.isServer) this.servers.count(machine, cluster, by);
    const [winner, ...losers] = claims;
    if (winner === undefined || cluster === undefined) return;
    winner.count(state, by);
    for (const loser of losers) loser.countConflict(winner.image.object.metadata.name, by);
  }

  #place(state: MachineState): void {
    const [winner] = state.claims;
    const group = winner?.group(state.cluster);
    if (winner === undefined || group === undefined) return;
    const { uid } = state.machine.metadata;
    const isThere = isWaiting(state) && this.#alive.has(uid);
    group.waiting.set(state.orderKey(), isThere);
    group.waitingServers.set(state.orderKey(), isThere && state.isServer);
    if (isUnderWay(state.machine)) group.underWay.set(uid, state);
    else group.underWay.delete(uid);
    this.fronts.refresh(winner, group);
  }

  // --- images ---

  /** As the watch shows it. @returns the images for which something has changed */
  putImage(object: ManagedOSImage): ReadonlySet<ImageState> {
    const { uid } = object.metadata;
    const key = imageKey(object.metadata);
    const old = this.#images.get(key);
    if (object.metadata.deletionTimestamp !== undefined) return this.deleteImage(object);
    const known = old?.image.object.metadata;
    const isSame = known?.uid === uid;
    if (known !== undefined && !isSame) this.#gone.images.add(known.uid);
    this.#gone.images.delete(uid);
    // Of another history, even what is the same generation may be another spec.
    const isOutdated = this.#outdated.has(uid);
    if (isSame && this.#outdated.isOlder(object.metadata, known)) return new Set();
    const effective = effectiveImage(object, this.#versions, this.#defaultRegistry());
    const isSpecSame = isSame && !isOutdated && old !== undefined && isSameSpec(old.image, effective);
    const plan = currentPlan(effective.object);
    if (isSpecSame) {
      const image: CompiledImage = { ...old.image, object: effective.object, source: object };
      if (plan === old.plan) {
        for (const uid of old.renew(image)) {
          const state = this.#byUid.get(uid);
          if (state !== undefined) this.#place(state);
        }
        return new Set([old]);
      }
      return this.#replace(new ImageState(image, plan, old.chosen));
    }
    const { image, chosen } = chosenBy(this.#fleet, compileImage(effective, old));
    return this.#replace(new ImageState(image, plan, chosen));
  }

  /** Images that take what they are about from this version. */
  namingVersion(namespace: string, name: string): readonly ImageState[] {
    return this.imagesOf(namespace).filter(({ image }) => namedVersion(image.source) === name);
  }

  deleteImage(object: Named): ReadonlySet<ImageState> {
    const key = imageKey(object.metadata);
    const old = this.#images.get(key);
    if (old === undefined) return new Set();
    this.#gone.images.add(old.image.object.metadata.uid);
    this.#outdated.forget(old.image.object.metadata.uid);
    this.#rebuild(object.metadata.namespace, () => {
      this.#images.delete(key);
    });
    return new Set(this.imagesOf(object.metadata.namespace));
  }

  /** Fleet's objects of the namespace have changed. */
  refreshFleet(namespace: string): ReadonlySet<ImageState> {
    const changed = this.imagesOf(namespace).filter(
      (state) => !isSameChoice(chosenBy(this.#fleet, state.image), state),
    );
    if (changed.length === 0) return new Set();
    this.#rebuild(namespace, () => {
      for (const state of changed) {
        const { image, chosen } = chosenBy(this.#fleet, state.image);
        this.#images.set(image.key, new ImageState(image, state.plan, chosen));
      }
    });
    return new Set(this.imagesOf(namespace));
  }

  #replace(next: ImageState): ReadonlySet<ImageState> {
    const { namespace } = next.image.object.metadata;
    this.#rebuild(namespace, () => {
      this.#images.set(next.image.key, next);
    });
    return new Set(this.imagesOf(namespace));
  }

  /** Changes the namespace's images while no machine is counted in them. */
  #rebuild(namespace: string, change: () => void): void {
    const before = [...this.#machines.in(namespace).values()];
    for (const state of before) this.#take(state);
    change();
    const images = [...this.#images.values()].filter((one) => one.image.object.metadata.namespace === namespace);
    images.sort((a, b) => olderFirst(a.image.object.metadata, b.image.object.metadata));
    if (images.length === 0) this.#ordered.delete(namespace);
    else this.#ordered.set(namespace, images);
    for (const image of images) image.clear();
    for (const { machine } of before) {
      const state = machineState(machine, this.imagesOf(namespace));
      this.#machines.set(machine.metadata, state);
      this.#byUid.set(state.machine.metadata.uid, state);
      this.#add(state);
    }
  }
}
