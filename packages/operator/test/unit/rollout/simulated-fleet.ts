/**
 * A fleet in virtual time: an object store with compare-and-swap, replicas of the operator whose watches are late and
 * that die between decision and write, and its machines. What stands on it is the real code of the rollouts; the real
 * API server is in test/integration.
 */
import { createHash } from "node:crypto";
import type { Phase, Plan } from "@rancheros/protocol/upgrade";
import { parseManagedOSImage, type ManagedOSImage, type ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { KubernetesError } from "../../../src/controller/index.ts";
import type { RolloutMachine } from "../../../src/rollout/index.ts";
import { runRollouts, type RolloutRun } from "../../../src/rollout/run-rollouts.ts";
import type { RolloutNews } from "../../../src/rollout/rollout-parts.ts";
import { randomOf } from "../random-of.ts";
import { NAMESPACE, type FleetSetup, type MachineSetup, type StoredWrite } from "./fleet-setup.ts";
import { quietParts } from "./quiet-parts.ts";
import { SimulatedMachine, type FleetOfMachine } from "./simulated-machine.ts";
import { VirtualTime } from "./virtual-time.ts";

const FOLLOWER_LAG_MS = 5_000;

type Watched = "machines" | "images";

interface Replica {
  run: RolloutRun;
  generation: number;
  /** When each of its watches shows what it showed last. */
  readonly shownMs: Record<Watched, number>;
}

export class SimulatedFleet implements FleetOfMachine {
  readonly time = new VirtualTime();
  readonly writes: StoredWrite[] = [];
  readonly news: RolloutNews[] = [];
  readonly machines = new Map<string, RolloutMachine>();
  readonly setup: FleetSetup;
  /** Plans that machines have begun to carry out, in order. */
  readonly begun: { readonly machine: string; readonly plan: Plan; readonly atMs: number }[] = [];
  /** Most machines of a cluster that were away at one moment, and most servers of it. */
  readonly mostDown = new Map<string, number>();
  readonly mostServersDown = new Map<string, number>();
  asks = 0;
  image: ManagedOSImage;
  isOver = false;
  readonly random: () => number;
  #version = 100;
  readonly #replicas: Replica[] = [];
  #looks = 0;
  readonly #down = new Set<string>();

  constructor(setup: FleetSetup) {
    this.setup = setup;
    this.random = randomOf(setup.seed);
    this.image = this.#parse({
      metadata: {
        name: "os",
        namespace: NAMESPACE,
        uid: "image-uid",
        generation: 1,
        resourceVersion: String(this.#next()),
        creationTimestamp: "2029-01-01T00:00:00Z",
      },
      spec: setup.spec,
    });
    for (const machine of setup.machines) this.putMachine(this.#made(machine));
    for (let count = 0; count < setup.replicas; count += 1) this.#replicas.push(this.#started());
    for (const machine of setup.machines) new SimulatedMachine(machine, this).live();
    if (setup.restartEveryMs !== undefined) this.#restarts(setup.restartEveryMs);
  }

  /** Machines that are away at this moment, whatever the status says. */
  get down(): ReadonlySet<string> {
    return this.#down;
  }

  serversDown(cluster: string): number {
    const servers = this.setup.machines.filter((one) => one.cluster === cluster && one.role === "server");
    return servers.filter(({ name }) => this.#down.has(name)).length;
  }

  phaseOf(name: string): Phase | undefined {
    return this.machines.get(name)?.rollout.upgrade?.phase;
  }

  /** Whether all that were asked to try again, which goes well, have done so. */
  haveTriedAgain(): boolean {
    const asked = [...this.machines.values()].filter(({ rollout }) => rollout.retry !== undefined);
    return asked.every(({ rollout }) => rollout.upgrade?.phase === "Succeeded");
  }

  setSpec(spec: ManagedOSImageSpec): void {
    const { metadata } = this.image;
    const generation = (metadata.generation ?? 0) + 1;
    this.#publish({
      ...this.image,
      spec,
      metadata: { ...metadata, generation, resourceVersion: String(this.#next()) },
    });
  }

  /** Deletes the image, and makes it again under its name. */
  makeAnew(spec: ManagedOSImageSpec): void {
    const { metadata } = this.image;
    this.#tellAll("images", (run) => run.onImageGone({ metadata }));
    const uid = `${metadata.uid}-again`;
    const resourceVersion = String(this.#next());
    this.#publish(this.#parse({ metadata: { ...metadata, uid, generation: 1, resourceVersion }, spec }));
  }

  annotate(name: string, retry: string): void {
    const machine = this.machines.get(name);
    if (machine !== undefined) this.putMachine({ ...machine, rollout: { ...machine.rollout, retry } });
  }

  remove(name: string): void {
    const machine = this.machines.get(name);
    if (machine === undefined) return;
    this.machines.delete(name);
    this.#tellAll("machines", (run) => run.onMachineGone(machine));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.#replicas.map(({ run }) => run.stop()));
  }

  #next(): number {
    this.#version += 1;
    return this.#version;
  }

  #parse(object: unknown): ManagedOSImage {
    const parsed = parseManagedOSImage(object);
    if (!parsed.ok) throw new Error(parsed.problems.join("; "));
    return parsed.value;
  }

  between(fromMs: number, toMs: number): number {
    return fromMs + this.random() * (toMs - fromMs);
  }

  // --- the object store ---

  #made({ name, cluster, role, labels }: MachineSetup): RolloutMachine {
    return {
      metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion: "0" },
      approval: "Approved",
      beingDeleted: false,
      rollout: {
        clusterName: cluster,
        role,
        labels,
        lastSeenMs: this.time.nowMs,
        retry: undefined,
        upgrade: undefined,
      },
    };
  }

  putMachine(machine: RolloutMachine): void {
    const stored = { ...machine, metadata: { ...machine.metadata, resourceVersion: String(this.#next()) } };
    this.machines.set(machine.metadata.name, stored);
    this.#tellAll("machines", (run) => run.onMachine(stored));
  }

  #publish(image: ManagedOSImage): void {
    this.image = image;
    this.#tellAll("images", (run) => run.onImage(image));
  }

  /** Watches keep the order of what they show, each replica's in its own time. */
  #tellAll(watched: Watched, tell: (run: RolloutRun) => void): void {
    for (const replica of this.#replicas) {
      const { generation, shownMs } = replica;
      shownMs[watched] = Math.max(shownMs[watched], this.time.nowMs + this.random() * this.setup.lagMs);
      this.time.setTimer(() => {
        if (replica.generation === generation) tell(replica.run);
      }, shownMs[watched] - this.time.nowMs);
    }
  }

  async #writeStatus(object: ManagedOSImage, status: ManagedOSImage["status"]): Promise<ManagedOSImage> {
    await this.time.delay(this.between(1, 40));
    const isFault = this.random() < this.setup.writeFaults;
    const isStored = !isFault || this.random() < 0.5;
    if (object.metadata.resourceVersion !== this.image.metadata.resourceVersion) {
      throw new KubernetesError("KUBERNETES_CONFLICT", "the object has been modified");
    }
    if (isStored) {
      const before = this.image;
      const metadata = { ...before.metadata, resourceVersion: String(this.#next()) };
      const after = this.#parse(JSON.parse(JSON.stringify({ ...before, metadata, status })));
      this.writes.push({ atMs: this.time.nowMs, before, after, phases: this.#phases() });
      this.#publish(after);
    }
    if (isFault) throw new KubernetesError("KUBERNETES_UNREACHABLE", "the connection broke");
    await this.time.delay(this.between(1, 20));
    return this.image.metadata.resourceVersion === object.metadata.resourceVersion ? object : this.#stored(status);
  }

  #phases(): StoredWrite["phases"] {
    const said = [...this.machines.values()].flatMap(({ metadata, rollout: { upgrade } }) =>
      upgrade === undefined ? [] : [[metadata.name, { plan: upgrade.plan, phase: upgrade.phase }] as const],
    );
    return new Map(said);
  }

  #stored(status: ManagedOSImage["status"]): ManagedOSImage {
    const found = this.writes.findLast((one) => one.after.status === status) ?? this.writes.at(-1);
    return found?.after ?? this.image;
  }

  // --- the replicas ---

  #started(): Replica {
    const { time } = this;
    const run = runRollouts({
      ...quietParts(time),
      store: {
        read: async () => {
          await time.delay(this.between(1, 20));
          return this.image;
        },
        writeStatus: (object, status) => this.#writeStatus(object, status),
      },
      fleet: { chosen: () => new Set(this.setup.machines.map(({ cluster }) => cluster)), unclear: () => undefined },
      readMachine: async (_, name) => {
        await time.delay(this.between(1, 20));
        return this.machines.get(name);
      },
      resolve: async (_, { image }) => `sha256:${createHash("sha256").update(image).digest("hex")}`,
      lagMs: () => this.#lagMs(),
      tell: (news) => this.news.push(news),
      random: this.random,
    });
    for (const machine of this.machines.values()) run.onMachine(machine);
    run.onImage(this.image);
    run.onImagesSynced();
    return { run, generation: 0, shownMs: { machines: 0, images: 0 } };
  }

  /** Who leads changes at every moment; by no chance of its own, so that all else goes as it would without. */
  #lagMs(): number {
    this.#looks += 1;
    return this.#looks % 3 === 0 ? 0 : FOLLOWER_LAG_MS;
  }

  #restarts(everyMs: number): void {
    this.time.setTimer(
      () => {
        if (this.isOver) return;
        const replica = this.#replicas[Math.floor(this.random() * this.#replicas.length)];
        if (replica !== undefined) {
          void replica.run.stop();
          replica.run = this.#started().run;
          replica.generation += 1;
        }
        this.#restarts(everyMs);
      },
      this.between(everyMs / 2, everyMs),
    );
  }

  anyReplica(): RolloutRun {
    const replica = this.#replicas[Math.floor(this.random() * this.#replicas.length)];
    if (replica === undefined) throw new Error("a fleet needs a replica");
    return replica.run;
  }

  // --- what machines do ---

  begin(setup: MachineSetup, plan: Plan): void {
    const { name, cluster } = setup;
    this.begun.push({ machine: name, plan, atMs: this.time.nowMs });
    this.#down.add(name);
    const down = this.setup.machines.filter((one) => one.cluster === cluster && this.#down.has(one.name)).length;
    this.mostDown.set(cluster, Math.max(down, this.mostDown.get(cluster) ?? 0));
    const servers = this.serversDown(cluster);
    this.mostServersDown.set(cluster, Math.max(servers, this.mostServersDown.get(cluster) ?? 0));
  }

  end({ name }: MachineSetup): void {
    this.#down.delete(name);
  }
}
