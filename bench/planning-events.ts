/** The planning of one replica alone, without API server and requests: what one event costs it among so many machines. */
import { createHash } from "node:crypto";
import {
  parseManagedOSImage,
  REGISTRATION_LABEL,
  type ManagedOSImage,
  type ManagedOSImageStatus,
} from "@rancheros/protocol/resources";
import type { Phase } from "@rancheros/protocol/upgrade";
import { HeldOnce } from "../packages/operator/src/inventory/held-once.ts";
import { inventoryEntry, InventoryIndex } from "../packages/operator/src/inventory/index.ts";
import type { RolloutMachine } from "../packages/operator/src/rollout/index.ts";
import { runRollouts } from "../packages/operator/src/rollout/run-rollouts.ts";
import { quietParts } from "../packages/operator/test/unit/rollout/quiet-parts.ts";
import { median } from "./statistics.ts";

export interface PlanningPlan {
  /** Ascending. */
  readonly machines: readonly number[];
  /** Slots that are held meanwhile. */
  readonly concurrency: number;
  /** Of each kind in one batch, and batches. */
  readonly events: number;
  readonly batches: number;
  readonly nodeLabels: number;
}

/** Microseconds of CPU, median of the batches' means. */
export interface PlanningFigures {
  readonly machines: number;
  /** The watch shows that a machine which holds a slot has gone on. */
  readonly onMachineUs: number;
  /** A machine asks for its plan whose turn it is not. */
  readonly askUs: number;
  /** A machine ends, the next one asks, and its slot is granted and stored. */
  readonly grantUs: number;
  /** The watch shows a change of an inventory, which is read and remembered. */
  readonly indexUs: number;
}

const NAMESPACE = "fleet-local";
const DIGEST = `sha256:${"ab".repeat(32)}`;
const WARM_UP_BATCHES = 2;
/** Machines that ask in vain are so many of those that come last. */
const LAST = 50;

export async function measurePlanning(plan: PlanningPlan, say: (line: string) => void): Promise<PlanningFigures[]> {
  const figures: PlanningFigures[] = [];
  for (const machines of plan.machines) {
    say(`planning among ${machines} machines`);
    const planning = new Planning(machines, plan);
    await planning.fill();
    figures.push({
      machines,
      onMachineUs: await batches(plan, (event) => planning.goOn(event)),
      askUs: await batches(plan, (event) => planning.askInVain(event)),
      grantUs: await batches(plan, () => planning.grantNext()),
      indexUs: await measureIndex(machines, plan),
    });
    await planning.stop();
  }
  return figures;
}

async function batches(
  { events, batches: count }: PlanningPlan,
  once: (event: number) => void | Promise<void>,
): Promise<number> {
  const means: number[] = [];
  for (let batch = 0; batch < WARM_UP_BATCHES + count; batch += 1) {
    const before = process.cpuUsage();
    for (let event = 0; event < events; event += 1) await once(event);
    const { user, system } = process.cpuUsage(before);
    if (batch >= WARM_UP_BATCHES) means.push((user + system) / events);
  }
  return median(means);
}

/** All come through one registration. Without what it costs to make them out of text. */
async function measureIndex(machines: number, plan: PlanningPlan): Promise<number> {
  const index = new InventoryIndex();
  const heldOnce = new HeldOnce();
  const labels = Object.fromEntries(
    Array.from({ length: plan.nodeLabels }, (_, at) => [`example.com/label-${at}`, `value-${at}`]),
  );
  let version = 0;
  const objectOf = (number: number): unknown => ({
    metadata: {
      name: `m${number}`,
      namespace: NAMESPACE,
      uid: `uid-${number}`,
      resourceVersion: String((version += 1)),
      labels: { [REGISTRATION_LABEL]: "all" },
    },
    spec: { tpmHash: createHash("sha256").update(String(number)).digest("hex"), approval: "Approved" },
    status: { lastSeen: "2026-01-01T00:00:00Z", node: { name: `node-${number}`, labels } },
  });
  const show = (object: unknown): void => {
    const seen = inventoryEntry(object);
    if (seen !== undefined) index.put(heldOnce.entry(seen, index.named(seen)));
  };
  for (let number = 0; number < machines; number += 1) show(objectOf(number));
  return batches(plan, (event) => show(objectOf((event * 7) % machines)));
}

class Planning {
  readonly #size: number;
  readonly #plan: PlanningPlan;
  readonly #machines: RolloutMachine[] = [];
  readonly #run: ReturnType<typeof runRollouts>;
  #image: ManagedOSImage;
  #version = 1;
  /** Numbers of machines that hold slots, the longest first. */
  #holders: number[] = [];
  /** Numbers of all machines, in the order in which they get slots. */
  #order: readonly number[] = [];

  constructor(size: number, plan: PlanningPlan) {
    this.#size = size;
    this.#plan = plan;
    this.#image = this.#stored({});
    const time = {
      get nowMs() {
        return Date.now();
      },
      // What is written lazily is no part of an event.
      setTimer: (run: () => void, delayMs: number) => {
        if (delayMs < 1_000) setImmediate(run);
        return () => undefined;
      },
    };
    this.#run = runRollouts({
      ...quietParts(time),
      store: {
        read: async () => this.#image,
        writeStatus: async (_object, status) => (this.#image = this.#stored(status)),
      },
      readMachine: async (_namespace, name) => this.#machines[Number(name.slice(1))],
      resolve: async () => DIGEST,
    });
  }

  async fill(): Promise<void> {
    for (let number = 0; number < this.#size; number += 1) this.#put(number, undefined);
    this.#run.onImage(this.#image);
    this.#run.onImagesSynced();
    while (this.#run.index.images()[0]?.plan === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#run.onImage(this.#image);
    }
    for (const machine of this.#machines) this.#run.index.keepAlive(machine.metadata.uid, Date.now() + 3_600_000);
    const keys = this.#machines.map(({ metadata }) => this.#run.index.machine(metadata.uid)?.orderKey() ?? "");
    this.#order = keys.map((_, number) => number).toSorted((a, b) => ((keys[a] ?? "") < (keys[b] ?? "") ? -1 : 1));
    for (let count = 0; count < this.#plan.concurrency; count += 1) await this.#grant();
  }

  async stop(): Promise<void> {
    await this.#run.stop();
  }

  goOn(event: number): void {
    const holder = this.#holders[event % this.#holders.length] ?? 0;
    this.#put(holder, event % 2 === 0 ? "Draining" : "Staging");
  }

  async askInVain(event: number): Promise<void> {
    const machine = this.#machines[this.#order.at(-1 - (event % LAST)) ?? 0];
    if (machine === undefined) return;
    const { plan } = await this.#run.ask(machine);
    if (plan !== undefined) throw new Error("a machine was granted a slot out of its turn");
  }

  /** A machine that has been upgraded is then made one that has not been, so that it can go on for ever. */
  async grantNext(): Promise<void> {
    const [done] = this.#holders.splice(0, 1);
    if (done === undefined) throw new Error("nobody holds a slot");
    this.#put(done, "Succeeded");
    await this.#grant(done);
    this.#put(done, undefined);
  }

  async #grant(but?: number): Promise<void> {
    const next = this.#order.find((number) => number !== but && !this.#holders.includes(number));
    const machine = this.#machines[next ?? -1];
    if (next === undefined || machine === undefined) throw new Error("nobody waits");
    const { plan, waiting } = await this.#run.ask(machine);
    if (plan === undefined) throw new Error(`not granted: ${waiting?.message ?? ""}`);
    this.#holders.push(next);
    this.#put(next, "Granted");
  }

  #put(number: number, phase: Phase | undefined): void {
    this.#version += 1;
    const uid = `uid-${number}`;
    const slot = this.#image.status?.slots?.find((one) => one.uid === uid);
    const upgrade =
      phase === undefined || slot === undefined
        ? undefined
        : {
            image: "os",
            plan: slot.plan,
            attempt: slot.attempt ?? 0,
            phase,
            sinceMs: Date.now(),
            heardMs: Date.now(),
            reason: undefined,
            message: undefined,
          };
    const labels = Array.from({ length: this.#plan.nodeLabels }, (_, at) => [`example.com/label-${at}`, `v${number}`]);
    const machine: RolloutMachine = {
      metadata: { name: `m${number}`, namespace: NAMESPACE, uid, resourceVersion: String(this.#version) },
      approval: "Approved",
      beingDeleted: false,
      rollout: {
        clusterName: undefined,
        role: "agent",
        labels: Object.fromEntries(labels) as Record<string, string>,
        lastSeenMs: Date.now(),
        retry: undefined,
        upgrade,
      },
    };
    this.#machines[number] = machine;
    this.#run.onMachine(machine);
  }

  #stored(status: ManagedOSImageStatus): ManagedOSImage {
    this.#version += 1;
    const parsed = parseManagedOSImage({
      metadata: {
        name: "os",
        namespace: NAMESPACE,
        uid: "image",
        generation: 1,
        resourceVersion: String(this.#version),
        creationTimestamp: "2026-01-01T00:00:00Z",
      },
      spec: { osImage: "example.com/os:v1", concurrency: this.#plan.concurrency, order: "Any" },
      status,
    });
    if (!parsed.ok) throw new Error(parsed.problems.join("; "));
    return parsed.value;
  }
}
