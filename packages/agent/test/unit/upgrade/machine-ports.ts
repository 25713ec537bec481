/** What an upgrade sees of the played machine: each port answers from its state, and changes it. */
import type { MachineNode } from "@rancheros/protocol/attestation";
import { CodedError } from "@rancheros/protocol/errors";

import { drainOptions } from "../../../src/drain/index.ts";
import { UpgradeError } from "../../../src/upgrade/errors.ts";
import type { ContainerEnd, RuntimeIdentity, UpgradePorts } from "../../../src/upgrade/ports.ts";
import { NEW_RELEASE, running, trouble, TROUBLE, type World } from "./machine-world.ts";
import { CLOUD_CONFIG, ownSlotsPort, type SlotPoint } from "./own-slots.ts";
import type { VirtualTime } from "./virtual-time.ts";

export type Death = "kill" | "power-cut" | "reboot";

interface Mortality {
  readonly die: (death: Death) => Promise<never>;
  readonly isDead: () => boolean;
  /** Where the agent may die besides the points that the code names. */
  readonly reach?: (point: SlotPoint) => Promise<void>;
}

export function machinePorts(
  { world, time }: { readonly world: World; readonly time: VirtualTime },
  { die, isDead, reach = () => Promise.resolve() }: Mortality,
): UpgradePorts {
  const { events } = world;
  /** What the dead do does not happen. */
  const alive = async <T>(work: () => T | Promise<T>): Promise<T> => {
    await Promise.resolve();
    if (isDead()) return new Promise(() => undefined);
    return work();
  };
  const never = new AbortController().signal;
  let held: RuntimeIdentity | undefined;
  const requireRuntime = (): void => {
    if (world.runtime === "missing") throw trouble("CONTAINER_RUNTIME_MISSING", "nothing runs containers");
    if (world.runtime === "name-taken") throw trouble("CONTAINER_NAME_TAKEN", "the name is somebody else's");
  };
  /** Which of the two answers in this moment. */
  const answering = (): "ours" | "another" => {
    if (world.boot === 1 || time.uptimeMs >= world.runtimeStartMs) return "ours";
    if (held !== undefined) throw trouble("CONTAINER_RUNTIME_MISSING", "k3s has not started yet");
    return "another";
  };
  const asked = <T>(work: () => T): Promise<T> =>
    alive(() => {
      if (world.apiServer === "away") throw trouble("TEST_AWAY", "the API server does not answer");
      if (world.apiServer === "refuses-us") throw trouble("NODE_API_UNAUTHORIZED", "the API server does not know us");
      if (world.apiServer === "knows-no-node")
        throw trouble("NODE_API_NOT_FOUND", 'nodes "n1" not found', { reason: "NotFound" });
      if (world.apiServer !== "answers") throw trouble(world.apiServer, "the kubeconfig cannot be used");
      return work();
    });
  const look = (): MachineNode | undefined => {
    const { unschedulable, ready, bootId, exists } = world.node;
    const rest = { name: "n1", uid: "u1", labels: {}, kubeletVersion: "v1.37.2" };
    return exists ? { ...rest, unschedulable, ready, bootId } : undefined;
  };
  return {
    slots: world.ours === undefined ? undefined : ownSlotsPort(world.ours, { alive, reach, time, world }),
    journalFile: {
      read: () => alive(() => world.disk),
      write: (text) =>
        alive(() => {
          if (world.fullDiskWrites-- > 0) throw new UpgradeError("UPGRADE_JOURNAL_UNSAVED", "the disk is full");
          world.disk = text;
        }),
      keepAside: () => alive(() => "upgrade.json.broken"),
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
          if (path === CLOUD_CONFIG) return bytes(world.cloudConfig);
          if (path === `${CLOUD_CONFIG}.before`) return bytes(world.cloudConfigBefore);
          if (!world.isReadable) throw new Error("EIO: i/o error, read");
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
      drain: (drain, signal, onProgress) =>
        alive(async () => {
          if (world.failedDrains-- > 0) throw trouble("NODE_API_BUSY", "the API server asks for patience");
          for (let word = 0; word < world.drainWords; word++) {
            onProgress({ line: undefined, summary: `pod ${word} is held` });
            await time.sleep(100, signal);
            if (isDead()) return new Promise<void>(() => undefined);
          }
          if (world.drain === "takes-too-long") throw trouble("DRAIN_TIMED_OUT", "pods are still there");
          const { timeoutMs } = drainOptions(drain);
          if (world.drain === "held") events.push(`drain for ${timeoutMs} ms`);
          for (let heldMs = 0; world.drain === "held"; heldMs += 5_000) {
            if (timeoutMs > 0 && heldMs >= timeoutMs) throw trouble("DRAIN_TIMED_OUT", "pods are still there");
            await time.sleep(5_000, signal);
            if (isDead()) return new Promise<void>(() => undefined);
          }
          for (const pod of world.pods) {
            onProgress({ line: undefined, summary: `evicting pod default/${pod}` });
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
      find: () =>
        alive(() => {
          const kind = answering() === "ours" ? "containerd" : "podman";
          return { kind, socket: undefined };
        }),
      hold: (runtime) => {
        held = runtime;
      },
      pull: (reference, { isOwn, onOwn, onTrouble, signal }) =>
        alive(async () => {
          if (world.pull === "away") throw trouble("TEST_AWAY", "the registry does not answer");
          if (world.pull === "away-for-a-minute") {
            for (let tries = 0; tries < 3; tries++) {
              onTrouble({ code: "IMAGE_REGISTRY_UNREACHABLE", message: "the registry is away" });
              await time.sleep(20_000, signal);
            }
            onTrouble(undefined);
            await time.sleep(20_000, signal);
            if (isDead()) return new Promise<never>(() => undefined);
          }
          if (world.pull === "away-for-a-day") {
            // The process did not run meanwhile, and so no timer has rung.
            time.uptimeMs += 86_400_000;
            throw trouble("TEST_AWAY", "the registry does not answer");
          }
          if (world.pull === "wants-no-waiting")
            throw new CodedError(TROUBLE, "TEST_AWAY", "the registry is busy", { retry: { afterMs: 0 } });
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
          if (answering() === "another") return;
          if (world.removal === "fails") throw trouble("TEST_AWAY", "the runtime does not answer");
          const present = world.images.get(reference);
          const isOwn = present === "own" || (present === "unmarked" && isClaimed);
          if (isOwn && world.images.delete(reference)) events.push("image removed");
        }),
      ownImages: () =>
        alive(() => {
          if (answering() === "another") return [];
          return [...world.images].flatMap(([name, whose]) => (whose === "own" ? [name] : []));
        }),
      readImageFile: (_reference, path) =>
        alive(() => (path === "/usr/lib/rancheros-release" ? bytes(NEW_RELEASE) : undefined)),
      run: ({ name, run, files, container: { image } }, { signal, leave, deadlineMs }) =>
        alive(async (): Promise<ContainerEnd> => {
          const left = world.containers.get(name);
          requireRuntime();
          if (answering() === "another") throw trouble("CONTAINER_RUNTIME_FAILED", "image not known");
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
          requireRuntime();
          if (answering() === "another") return;
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
