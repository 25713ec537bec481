/**
 * A machine with its node, container runtime, disk and boot loader, as far as an upgrade sees them: state that outlives the
 * agent, which can be killed at any point. Not imitated: networks, layers, what is inside of containers but suc-upgrade.
 */
import { createHash } from "node:crypto";
import type { MachineNode } from "@rancheros/protocol/attestation";
import { CodedError, type ErrorTable } from "@rancheros/protocol/errors";
import type { Plan } from "@rancheros/protocol/upgrade";

import type { BootSlot } from "../../../src/upgrade/boot-slot.ts";
import { CONTAINER_ERRORS } from "../../../src/containers/index.ts";
import { UpgradeError } from "../../../src/upgrade/errors.ts";
import type { FaultPoint } from "../../../src/upgrade/fault-points.ts";
import type { Order } from "../../../src/upgrade/journal.ts";
import type { CheckResult, ContainerEnd, UpgradePorts } from "../../../src/upgrade/ports.ts";
import { openUpgrades, type Upgrades } from "../../../src/upgrade/upgrade.ts";
import { ownSlotsPort, startOwnSlot, type OwnSlots } from "./own-slots.ts";
import { NEW_RELEASE, OLD_RELEASE, REFERENCE } from "./releases.ts";
import { createVirtualTime } from "./virtual-time.ts";

export const TROUBLE = {
  TEST_AWAY: { failure: "unreachable", retry: "backoff", meaning: "away", mend: "wait" },
  TEST_REFUSED: { failure: "refused", retry: "never", meaning: "refused", mend: "ask" },
  ...CONTAINER_ERRORS,
} as const satisfies ErrorTable<string>;

export const trouble = (code: keyof typeof TROUBLE, message: string): CodedError =>
  new CodedError(TROUBLE, code, message);

export { NEW_RELEASE, OLD_RELEASE, REFERENCE };

export interface World {
  node: { unschedulable: boolean; ready: boolean; bootId: string; exists: boolean };
  /** Whether it was the agent that has cordoned the node. */
  isCordonOurs: boolean;
  /** Whether its API server answers. */
  apiServer: "answers" | "away";
  /** Of the two slots, and which of them runs. */
  slots: { active: string; passive: string; runs: BootSlot };
  /** Where the machine has slots of our own, in place of those. */
  ours: OwnSlots | undefined;
  cloudConfig: string | undefined;
  boot: number;
  isStopping: boolean;
  /** Whether there is somebody who would know that a restart was asked for. */
  hasLogind: boolean;
  /** Content of the journal's file. */
  disk: string | undefined;
  /** Writes that fail yet. */
  fullDiskWrites: number;
  slotHeld: boolean | "unknown";
  /** What the new operating system does when it is started. */
  imageBoots: "well" | "falls-back";
  /** What the upgrade container does. */
  upgradeContainer: "suc-upgrade" | "fails" | "fails-for-certain" | "hangs" | "installs-live";
  prepareContainer: "works" | "fails";
  pull: "works" | "away" | "refused" | "another" | "no-room";
  drain: "works" | "fails";
  reasonNotToDrain: string | undefined;
  checks: readonly CheckResult[];
  /** Everything that happened to the machine, in order. */
  readonly events: string[];
  containers: Map<string, string>;
  /** In the runtime's store: whether an upgrade has brought it and said so, has not said so yet, or others brought it. */
  images: Map<string, "own" | "unmarked" | "foreign">;
  removal: "works" | "fails";
  /** Pods on the node. */
  pods: string[];
  readonly reached: FaultPoint[];
}

export function createWorld(changes: Partial<World> = {}): World {
  return {
    node: { unschedulable: false, ready: true, bootId: "boot-1", exists: true },
    isCordonOurs: false,
    apiServer: "answers",
    slots: { active: OLD_RELEASE, passive: OLD_RELEASE, runs: "active" },
    ours: undefined,
    cloudConfig: undefined,
    boot: 1,
    isStopping: false,
    hasLogind: true,
    disk: undefined,
    fullDiskWrites: 0,
    slotHeld: true,
    imageBoots: "well",
    upgradeContainer: "suc-upgrade",
    prepareContainer: "works",
    pull: "works",
    drain: "works",
    reasonNotToDrain: undefined,
    checks: [],
    events: [],
    containers: new Map(),
    images: new Map(),
    removal: "works",
    pods: ["web-0", "web-1"],
    reached: [],
    ...changes,
  };
}

export function planOf(changes: Partial<Plan> = {}): Plan {
  const container = { command: undefined, args: undefined, env: {}, volumes: [], securityContext: undefined };
  return {
    id: createHash("sha256").update("plan").digest("hex"),
    image: "default-os-image",
    attempt: 1,
    osImage: "example.com/os:v1.1.0",
    reference: REFERENCE,
    version: "v1.1.0",
    cloudConfig: undefined,
    cordon: true,
    drain: { force: true },
    prepare: { ...container, image: REFERENCE },
    upgrade: { ...container, image: REFERENCE },
    credentials: [],
    timeoutSeconds: 3600,
    force: false,
    retry: false,
    allowDowngrade: false,
    ...changes,
  };
}

export const orderOf = (changes: Partial<Plan> = {}): Order => ({
  plan: planOf(changes),
  isByHand: false,
  keepsCloudConfig: false,
});

const running = ({ slots, ours }: World): string =>
  ours !== undefined ? ours.content[ours.runs] : slots.runs === "active" ? slots.active : slots.passive;

/** The life of a machine: agents that come and go on it. */
export interface Life {
  readonly world: World;
  readonly time: ReturnType<typeof createVirtualTime>;
  /** Called at each fault point, counted over all lives. @returns whether the agent is killed there, or the power goes */
  onPoint: (point: FaultPoint, count: number) => "kill" | "power-cut" | undefined;
  /** The agent that runs now. */
  upgrades: Upgrades | undefined;
}

export function createLife(world: World): Life {
  return { world, time: createVirtualTime(), onPoint: () => undefined, upgrades: undefined };
}

function restart({ world, time }: Life): void {
  world.boot += 1;
  world.isStopping = false;
  world.containers.clear();
  time.uptimeMs = 1_000;
  if (world.ours !== undefined) world.boot += startOwnSlot(world.ours) - 1;
  const isNew = world.slots.active === NEW_RELEASE;
  world.slots.runs = isNew && world.imageBoots === "falls-back" ? "passive" : "active";
  world.node = { ...world.node, bootId: `boot-${world.boot}` };
  world.events.push(`boot ${(world.ours ?? world.slots).runs}`);
}

type Death = "kill" | "power-cut" | "reboot";

/** Lets agents live on the machine, each after the death of the one before, until an upgrade has ended. */
export async function live(life: Life, order: Order | undefined, maxDeaths = 60): Promise<void> {
  for (let deaths = 0; deaths < maxDeaths; deaths++) {
    const death = await liveOnce(life, order);
    if (death === undefined) return;
    life.time.forget();
    if (death !== "kill") restart(life);
  }
  throw new Error(`no end after ${maxDeaths} deaths: ${life.world.events.join(", ")}`);
}

async function liveOnce(life: Life, order: Order | undefined): Promise<Death | undefined> {
  const { world, time } = life;
  const died = Promise.withResolvers<Death>();
  const over = new AbortController();
  let isDead = false;
  const die = (death: Death): Promise<never> => {
    isDead = true;
    died.resolve(death);
    return new Promise(() => undefined);
  };
  const ports = portsOf(life, { die, isDead: () => isDead });
  const lifeline = (async (): Promise<undefined> => {
    const upgrades = await openUpgrades(ports, {
      log: () => undefined,
      reach: async (point) => {
        if (isDead) return new Promise(() => undefined);
        world.reached.push(point);
        const death = life.onPoint(point, world.reached.length);
        return death === undefined ? undefined : die(death);
      },
    });
    life.upgrades = upgrades;
    // Whoever has an order gives it again where it could not be written down.
    const give = (): Promise<boolean> => (order === undefined ? Promise.resolve(true) : isTaken(upgrades, order));
    while (!(await give())) await time.sleep(1_000, over.signal);
    const work = upgrades.work(over.signal);
    while (upgrades.journal().run !== undefined) await upgrades.changed(over.signal);
    over.abort();
    await work;
    return undefined;
  })();
  return time.until(Promise.race([died.promise, lifeline]));
}

function isTaken(upgrades: Upgrades, order: Order): Promise<boolean> {
  return upgrades.offer(order).then(
    () => true,
    () => false,
  );
}

interface Mortality {
  readonly die: (death: Death) => Promise<never>;
  readonly isDead: () => boolean;
}

function portsOf(life: Life, { die, isDead }: Mortality): UpgradePorts {
  const { world, time } = life;
  const { events } = world;
  /** What the dead do does not happen. */
  const alive = async <T>(work: () => T | Promise<T>): Promise<T> => {
    await Promise.resolve();
    if (isDead()) return new Promise(() => undefined);
    return work();
  };
  const never = new AbortController().signal;
  const asked = <T>(work: () => T): Promise<T> =>
    alive(() => {
      if (world.apiServer === "away") throw trouble("TEST_AWAY", "the API server does not answer");
      return work();
    });
  const look = (): MachineNode | undefined => {
    const { unschedulable, ready, bootId, exists } = world.node;
    const rest = { name: "n1", uid: "u1", labels: {}, kubeletVersion: "v1.37.2" };
    return exists ? { ...rest, unschedulable, ready, bootId } : undefined;
  };
  return {
    slots: world.ours === undefined ? undefined : ownSlotsPort(world.ours, { alive, time, world }),
    journalFile: {
      read: () => alive(() => world.disk),
      write: (text) =>
        alive(() => {
          if (world.fullDiskWrites-- > 0) throw new UpgradeError("UPGRADE_JOURNAL_UNSAVED", "the disk is full");
          world.disk = text;
        }),
      moveAside: () =>
        alive(() => {
          world.disk = undefined;
          return "upgrade.json.broken";
        }),
    },
    confirmSlot: (_order, signal) =>
      alive(async () => {
        while (world.slotHeld === "unknown") await time.sleep(5_000, signal);
        return world.slotHeld ? "held" : "lost";
      }),
    host: {
      now: () => ({ wallMs: time.wallMs, uptimeMs: time.uptimeMs, bootId: `boot-${world.boot}` }),
      random: () => 0.5,
      hostname: () => "m1",
      shutdown: () => alive(() => (world.isStopping ? "under-way" : world.hasLogind ? "none" : "unknown")),
      readBootSlot: () => alive(() => world.ours?.runs ?? world.slots.runs),
      readFile: (path) =>
        alive(() => {
          if (path === "/oem/90_operator.yaml") return bytes(world.cloudConfig);
          return path === "/usr/lib/rancheros-release" ? bytes(running(world)) : undefined;
        }),
      checkFolders: () => alive(() => undefined),
      runChecks: () => alive(() => world.checks),
      sleep: async (delayMs, signal) => {
        if (isDead()) return new Promise(() => undefined);
        await time.sleep(delayMs, signal);
        // Services are ended before the machine is.
        if (world.isStopping && !isDead()) return die("reboot");
        return isDead() ? new Promise(() => undefined) : undefined;
      },
    },
    node: {
      look: () => asked(look),
      cordon: () =>
        asked(() => {
          if (world.node.unschedulable) return world.isCordonOurs;
          world.node.unschedulable = true;
          world.isCordonOurs = true;
          events.push("cordon");
          return true;
        }),
      cordonedBy: () => asked(() => (world.node.unschedulable ? (world.isCordonOurs ? "agent" : "others") : "nobody")),
      uncordon: () =>
        asked(() => {
          world.node.unschedulable = false;
          events.push("uncordon");
        }),
      reasonNotToDrain: () => asked(() => world.reasonNotToDrain),
      drain: (_drain, signal, onProgress) =>
        alive(async () => {
          for (const pod of world.pods) {
            onProgress(`evicting pod default/${pod}`);
            await time.sleep(15_000, signal);
            if (isDead()) return new Promise<void>(() => undefined);
            if (world.drain === "fails") throw trouble("TEST_REFUSED", "a pod cannot be evicted");
            world.pods = world.pods.filter((one) => one !== pod);
            events.push(`evicted ${pod}`);
          }
          events.push("drained");
          return undefined;
        }),
    },
    containers: {
      find: () => alive(() => undefined),
      pull: (reference, { isOwn, onOwn, signal }) =>
        alive(async () => {
          if (world.pull === "away") throw trouble("TEST_AWAY", "the registry does not answer");
          if (world.pull === "no-room") throw trouble("CONTAINER_DISK_FULL", "the disk is full");
          if (world.pull === "refused") throw trouble("TEST_REFUSED", "no such image");
          const present = world.images.get(reference);
          if (present === undefined || present === "own" || isOwn) {
            await onOwn();
            world.images.set(reference, "unmarked");
            // Here a kill finds it without its mark.
            await time.sleep(1_000, signal);
            if (isDead()) return new Promise<never>(() => undefined);
            world.images.set(reference, "own");
          }
          events.push("pulled");
          return world.pull === "another" ? `sha256:${"0".repeat(64)}` : reference.slice(reference.indexOf("@") + 1);
        }),
      removeImage: (reference, { isClaimed }) =>
        alive(() => {
          if (world.removal === "fails") throw trouble("TEST_AWAY", "the runtime does not answer");
          const present = world.images.get(reference);
          const isOwn = present === "own" || (present === "unmarked" && isClaimed);
          if (isOwn && world.images.delete(reference)) events.push("image removed");
        }),
      ownImages: () => alive(() => [...world.images].flatMap(([name, whose]) => (whose === "own" ? [name] : []))),
      readImageFile: (_reference, path) =>
        alive(() => (path === "/usr/lib/rancheros-release" ? bytes(NEW_RELEASE) : undefined)),
      run: ({ name, run, files, container: { image } }, { signal, leave, deadlineMs }) =>
        alive(async (): Promise<ContainerEnd> => {
          const left = world.containers.get(name);
          if (!world.images.has(image)) throw trouble("CONTAINER_IMAGE_MISSING", "the image is gone");
          if (left !== undefined && left !== run) events.push(`removed ${name}`);
          if (left !== run) events.push(`started ${name}`);
          world.containers.set(name, run);
          const waiting = AbortSignal.any([signal, leave]);
          await time.sleep(20_000, waiting).catch(() => undefined);
          if (isDead()) return new Promise(() => undefined);
          if (leave.aborted) return { kind: "left-running" };
          const hangs = name === "ros-agent-upgrade" && world.upgradeContainer === "hangs";
          if (hangs) await time.sleep(deadlineMs, never);
          world.containers.delete(name);
          if (signal.aborted) throw trouble("TEST_REFUSED", "the container was broken off");
          if (hangs) throw trouble("CONTAINER_DEADLINE", "the container did not end");
          const exitCode = name === "ros-agent-prepare" ? prepareExit(world) : upgradeExit(world, files[0]?.content);
          events.push(`${name} ${exitCode}`);
          return { kind: "exited", exitCode, lastLines: [`exit ${exitCode}`] };
        }),
      stop: (name) =>
        alive(() => {
          if (world.containers.delete(name)) events.push(`stopped ${name}`);
        }),
    },
  };
}

function bytes(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

const prepareExit = ({ prepareContainer }: World): number => (prepareContainer === "fails" ? 3 : 0);

/** Source: os2, framework/files/usr/sbin/suc-upgrade */
function upgradeExit(world: World, cloudConfig: string | undefined): number {
  const { slots } = world;
  if (world.upgradeContainer === "fails") return 1;
  if (world.upgradeContainer === "fails-for-certain") return 127;
  if (running(world) === NEW_RELEASE) {
    if (world.cloudConfig !== cloudConfig) {
      world.cloudConfig = cloudConfig;
      world.isStopping = true;
    }
    return 0;
  }
  world.cloudConfig = cloudConfig;
  if (slots.runs === "active") slots.passive = slots.active;
  slots.active = NEW_RELEASE;
  world.events.push("switched");
  if (world.upgradeContainer === "installs-live") {
    slots.runs = "active";
    return 0;
  }
  world.isStopping = true;
  return 1;
}
