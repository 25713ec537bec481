/**
 * What an upgrade does to a machine, without one: its node, container runtime, disk and boot loader take their time on the
 * fleet's clock, and outlive the agent. The agent that upgrades it is the real one.
 */
import { createHash } from "node:crypto";
import type { MachineNode } from "@rancheros/protocol/attestation";
import type { Plan } from "@rancheros/protocol/upgrade";
import type { ContainerEnd, UpgradePorts } from "@rancheros/agent/upgrade";
import type { NodeTimes } from "./node-times.ts";
import type { ScaledClock } from "./scaled-clock.ts";

/** fails: the upgrade container does. falls-back: the new operating system does not come up. vanishes: it does not even start. */
export type Fault = "none" | "fails" | "falls-back" | "vanishes";

const RELEASE_FILE = "/usr/lib/rancheros-release";
const CLOUD_CONFIG_FILE = "/oem/90_operator.yaml";
const STOPPING_MS = 2_000;
const OLD_RELEASE = "IMAGE=example.com/os:v1.0.0\n";
const EVICTIONS = 3;

export interface SimulatedNodeOptions {
  readonly name: string;
  readonly uid: string;
  readonly clock: ScaledClock;
  readonly times: NodeTimes;
  readonly random: () => number;
  readonly labels: Readonly<Record<string, string>>;
  fault: Fault;
  /** Services are ended, as systemd does before a restart. */
  readonly onStopping: () => void;
}

export type SimulatedPorts = Omit<UpgradePorts, "confirmSlot">;

/** Of the image: a version of its own for each digest. */
function releaseOfImage(reference: string): string {
  return `IMAGE=example.com/os@${createHash("sha256").update(reference).digest("hex").slice(0, 12)}\n`;
}

export class SimulatedNode {
  readonly options: SimulatedNodeOptions;
  readonly ports: SimulatedPorts;
  #journal: string | undefined;
  #release = OLD_RELEASE;
  #cloudConfig: string | undefined;
  #slot: "active" | "passive" = "active";
  #boot = 1;
  #bootedMs: number;
  #isStopping = false;
  #isCordoned = false;
  #readyFromMs = 0;
  #pulled = new Set<string>();
  /** Of containers, each of which does its work once: when it will have done it. */
  #runs = new Map<string, number>();

  constructor(options: SimulatedNodeOptions) {
    this.options = options;
    this.#bootedMs = options.clock.nowMs() - 3_600_000;
    this.ports = this.#makePorts();
  }

  /** Takes no pods, is restarting, or is not Ready. */
  get isDown(): boolean {
    return this.#isCordoned || this.#isStopping || this.options.clock.nowMs() < this.#readyFromMs;
  }

  get bootId(): string {
    return `${this.options.uid}-${this.#boot}`;
  }

  node(): MachineNode {
    const { name, uid, labels, clock } = this.options;
    const ready = clock.nowMs() >= this.#readyFromMs;
    const unschedulable = this.#isCordoned;
    return { name, uid, labels, ready, unschedulable, bootId: this.bootId, kubeletVersion: "v1.37.2" };
  }

  /** From the moment at which services have ended until the agent is started again. @throws with the signal */
  async restart(signal: AbortSignal): Promise<void> {
    const { clock, times, fault } = this.options;
    const isGone = fault === "vanishes";
    this.#readyFromMs = Number.POSITIVE_INFINITY;
    await clock.sleep(isGone ? Number.POSITIVE_INFINITY : times.rebootMs, signal);
    this.#boot += 1;
    this.#bootedMs = clock.nowMs();
    this.#isStopping = false;
    this.#runs.clear();
    this.#slot = fault === "falls-back" ? "passive" : "active";
    if (this.#slot === "passive") this.#release = OLD_RELEASE;
    this.#readyFromMs = clock.nowMs() + times.readyMs;
  }

  #makePorts(): SimulatedPorts {
    const { clock, times, random } = this.options;
    return {
      journalFile: {
        read: async () => this.#journal,
        write: async (text) => {
          this.#journal = text;
        },
        keepAside: async () => "upgrade.json.broken",
      },
      host: {
        now: () => {
          const nowMs = clock.nowMs();
          return { wallMs: nowMs, uptimeMs: Math.round(nowMs - this.#bootedMs), bootId: this.bootId };
        },
        random,
        sleep: clock.sleep,
        hostname: () => this.options.name,
        shutdown: async () => (this.#isStopping ? "under-way" : "none"),
        readBootSlot: async () => this.#slot,
        readFile: async (path) => {
          if (path === RELEASE_FILE) return Buffer.from(this.#release);
          return path === CLOUD_CONFIG_FILE && this.#cloudConfig !== undefined
            ? Buffer.from(this.#cloudConfig)
            : undefined;
        },
        checkFolders: async () => undefined,
        runChecks: async () => [],
      },
      node: {
        look: async () => this.node(),
        cordon: async () => {
          const isOurs = !this.#isCordoned;
          this.#isCordoned = true;
          return isOurs;
        },
        cordonedBy: async () => (this.#isCordoned ? "agent" : "nobody"),
        uncordon: async () => {
          this.#isCordoned = false;
        },
        reasonNotToDrain: async () => undefined,
        drain: async (_drain, signal, onProgress) => {
          for (let pod = 1; pod <= EVICTIONS; pod += 1) {
            onProgress({ line: undefined, summary: `evicting pod default/web-${pod}` });
            await clock.sleep(times.drainMs / EVICTIONS, signal);
          }
        },
      },
      containers: {
        find: async () => ({ kind: "containerd", socket: undefined }),
        hold: () => undefined,
        pull: async (reference, { signal }) => {
          if (!this.#pulled.has(reference)) await clock.sleep(times.pullMs, signal);
          this.#pulled.add(reference);
          return reference.slice(reference.indexOf("@") + 1);
        },
        readImageFile: async (reference, path) =>
          path === RELEASE_FILE ? Buffer.from(releaseOfImage(reference)) : undefined,
        run: async ({ run, container, files }, { signal, leave }): Promise<ContainerEnd> => {
          const endsMs = this.#runs.get(run) ?? clock.nowMs() + times.containerMs;
          this.#runs.set(run, endsMs);
          const waiting = AbortSignal.any([signal, leave]);
          const leftMs = Math.max(0, endsMs - clock.nowMs());
          await clock.sleep(this.#isUpToDate(container) ? 0 : leftMs, waiting).catch(() => undefined);
          if (leave.aborted) return { kind: "left-running" };
          signal.throwIfAborted();
          return this.#upgrade(container, files[0]?.content);
        },
        stop: async () => undefined,
        removeImage: async (reference) => {
          this.#pulled.delete(reference);
        },
        ownImages: async () => [...this.#pulled],
      },
    };
  }

  #isUpToDate({ image }: Plan["upgrade"]): boolean {
    return this.#release === releaseOfImage(image);
  }

  /** As suc-upgrade does: nothing where it is done already, otherwise a restart and exit status 1. */
  #upgrade(container: Plan["upgrade"], cloudConfig: string | undefined): ContainerEnd {
    if (this.options.fault === "fails") return { kind: "exited", exitCode: 1, lastLines: ["no space left on device"] };
    if (this.#isUpToDate(container)) return { kind: "exited", exitCode: 0, lastLines: [] };
    this.#release = releaseOfImage(container.image);
    this.#cloudConfig = cloudConfig;
    this.#isStopping = true;
    const never = new AbortController().signal;
    void this.options.clock.sleep(STOPPING_MS, never).then(() => this.options.onStopping());
    return { kind: "exited", exitCode: 1, lastLines: ["rebooting"] };
  }
}
