/** Two images of one namespace, an older and a younger one, and two machines that both may be for: one replica, in virtual time. */
import type { ManagedOSImage, ManagedOSImageSpec } from "@rancheros/protocol/resources";
import type { Phase, Plan } from "@rancheros/protocol/upgrade";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import type { RolloutParts } from "../../../src/rollout/rollout-parts.ts";
import { runRollouts, type RolloutRun } from "../../../src/rollout/run-rollouts.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const MACHINES = ["a", "b"] as const;
type Name = (typeof MACHINES)[number];

interface SaidSo {
  readonly reason?: string;
  readonly passMs?: number;
}

export class TwoImages {
  readonly time = new VirtualTime();
  readonly #namespace: string;
  readonly #more: Partial<RolloutParts>;
  readonly #images = new Map<string, ManagedOSImage>();
  readonly #machines = new Map<string, RolloutMachine>();
  #version = 1;
  run: RolloutRun;

  /** @param more  in place of parts that say nothing */
  constructor(namespace: string, more: Partial<RolloutParts> = {}) {
    this.#namespace = namespace;
    this.#more = more;
    for (const name of MACHINES) this.#machines.set(name, this.#made(name));
    this.run = this.#started();
  }

  #made(name: string): RolloutMachine {
    const rest = { lastSeenMs: undefined, retry: undefined, upgrade: undefined };
    const clusterName = this.#namespace === "fleet-local" ? undefined : "c1";
    return {
      metadata: { name, namespace: this.#namespace, uid: `uid-${name}`, resourceVersion: "1" },
      approval: "Approved",
      beingDeleted: false,
      rollout: { ...rest, clusterName, role: "agent", labels: { pool: "web" } },
    };
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }

  #publish(image: ManagedOSImage): ManagedOSImage {
    const stored = { ...image, metadata: { ...image.metadata, resourceVersion: this.#next() } };
    this.#images.set(image.metadata.name, stored);
    this.run.onImage(stored);
    return stored;
  }

  #started(): RolloutRun {
    const run = runRollouts({
      ...quietParts(this.time),
      store: {
        read: async (_, name) => this.#images.get(name),
        writeStatus: async ({ metadata: { name } }, status) => this.#publish({ ...this.image(name), status }),
      },
      readMachine: async (_, name) => this.#machines.get(name),
      resolve: async () => DIGEST,
      ...this.#more,
    });
    for (const machine of this.#machines.values()) run.onMachine(machine);
    for (const image of this.#images.values()) run.onImage(image);
    run.onImagesSynced();
    return run;
  }

  /** As a replica that begins knows only what is stored. */
  async restart(): Promise<void> {
    await this.run.stop();
    this.run = this.#started();
  }

  image(name: string): ManagedOSImage {
    const found = this.#images.get(name);
    if (found === undefined) throw new Error(`there is no image ${name}`);
    return found;
  }

  /** @param day  on which it was made: the older one has the machine */
  make(name: string, day: number, spec: ManagedOSImageSpec): void {
    const creationTimestamp = `2029-01-0${day}T00:00:00Z`;
    const metadata = { name, namespace: this.#namespace, uid: `uid-${name}`, generation: 1, creationTimestamp };
    this.#publish({ metadata: { ...metadata, resourceVersion: "0" }, spec });
  }

  change(name: string, spec: ManagedOSImageSpec): void {
    const { metadata, ...image } = this.image(name);
    const generation = (metadata.generation ?? 0) + 1;
    this.#publish({ ...image, metadata: { ...metadata, generation }, spec: { ...image.spec, ...spec } });
  }

  /** As change, by somebody else and with what another replica says of it: the watch of this one is broken meanwhile. */
  changeUnseen(name: string, spec: ManagedOSImageSpec, status: Partial<ManagedOSImage["status"]>): void {
    const { run } = this;
    this.run = { ...run, onImage: () => undefined };
    this.change(name, spec);
    this.run = run;
    const image = this.image(name);
    this.#images.set(name, { ...image, status: { ...image.status, ...status } });
  }

  /** Somebody annotates the machine, so that it is tried once more. */
  annotate(name: Name, retry: string): void {
    const { metadata, rollout, ...machine } = this.#machines.get(name) ?? this.#made(name);
    const next = {
      ...machine,
      metadata: { ...metadata, resourceVersion: this.#next() },
      rollout: { ...rollout, retry },
    };
    this.#machines.set(name, next);
    this.run.onMachine(next);
  }

  async ask(name: Name) {
    const answer = this.run.ask(this.#machines.get(name) ?? this.#made(name));
    await this.time.pass(3_000);
    const { plan, waiting } = await answer;
    return { plan, waiting };
  }

  /** @returns the first of them that is told to begin, and the other one */
  async begun(): Promise<{ readonly name: Name; readonly other: Name; readonly plan: Plan }> {
    for (const name of MACHINES) {
      const { plan } = await this.ask(name);
      if (plan !== undefined) return { name, other: name === "a" ? "b" : "a", plan };
    }
    throw new Error("nobody is told to begin");
  }

  /**
   * @param more  why, and how long nothing else happens then
   * @returns     whether it goes on
   */
  async say(name: Name, { id, image, attempt }: Plan, phase: Phase, more: SaidSo = {}): Promise<boolean> {
    const machine = this.#machines.get(name) ?? this.#made(name);
    const nowMs = this.#more.nowMs?.() ?? this.time.nowMs;
    const { upgrade: before, retry } = machine.rollout;
    // As the operator writes it down: with the text that the attempt has begun with.
    const begunWith = before?.plan === id && before.attempt === attempt ? before.retry : retry;
    const upgrade = { plan: id, image, attempt, phase, sinceMs: nowMs, heardMs: nowMs, retry: begunWith } as const;
    const said = { ...upgrade, reason: more.reason, message: undefined };
    const told = this.run.told(machine, { plan: id, image, attempt, phase });
    const metadata = { ...machine.metadata, resourceVersion: this.#next() };
    const next = { ...machine, metadata, rollout: { ...machine.rollout, lastSeenMs: nowMs, upgrade: said } };
    this.#machines.set(name, next);
    this.run.onMachine(next);
    await this.time.pass(more.passMs ?? 3_000);
    return (await told).holdsSlot;
  }

  /** Machines that hold a slot of the image. */
  holders(name: string): readonly string[] {
    return (this.image(name).status?.slots ?? []).map(({ machine }) => machine);
  }

  condition(name: string, type: string) {
    return this.image(name).status?.conditions?.find((one) => one.type === type);
  }
}
