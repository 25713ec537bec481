/** Two slots of our own installation, as an upgrade sees them: a boot loader that tries once, and a boot check. */
import type { FileSetting } from "../../../src/cloud-config/cloud-config.ts";
import { namedFiles, parseCloudConfig } from "../../../src/cloud-config/parse-cloud-config.ts";
import { SlotError } from "../../../src/slots/errors.ts";
import { requireStateRoom } from "../../../src/slots/state-room.ts";
import type { SystemSlotsPort } from "../../../src/upgrade/ports.ts";
import { DIGEST, NEW_RELEASE } from "./releases.ts";

/** What the operating system applies at each start. */
export const CLOUD_CONFIG = "/oem/90_operator.yaml";
const MIB = 1024 ** 2;

type Slot = "a" | "b";

export interface OwnSlots {
  runs: Slot;
  good: Slot;
  try: Slot | undefined;
  /** The release file in each; `torn` while it is written. */
  content: Record<Slot, string>;
  /** What the new operating system does when it is tried. */
  trial: "well" | "panics" | "fails-checks" | "fails-checks-late" | "not-written-down";
  /** The image has /usr/sbin/suc-upgrade. */
  bringsOwnWay: boolean;
  trace: string | undefined;
  trials: number;
  /** For what the new operating system brings. */
  stateIsFull: boolean;
  /** Requests for a restart that fail yet. */
  failedRestarts: number;
  /** They are taken, and none comes of it. */
  forgetsRestarts: boolean;
  /** Attempts to tell the boot loader of a trial that arm it, and fail yet. */
  failedTries: number;
  /** Attempts to call a trial off that fail yet. */
  failedForgets: number;
  /** The disk of the cloud config takes nothing. */
  isOemReadOnly: boolean;
}

/** The sides of each act on slots: a kill may come between any two of them. */
export type SlotPoint = `slots-${string}:${"before" | "after"}`;

export function ownSlots(old: string, changes: Partial<OwnSlots> = {}): OwnSlots {
  const content = { a: old, b: "torn" };
  return {
    runs: "a",
    good: "a",
    try: undefined,
    content,
    trial: "well",
    bringsOwnWay: false,
    trace: undefined,
    trials: 0,
    stateIsFull: false,
    failedRestarts: 0,
    forgetsRestarts: false,
    failedTries: 0,
    failedForgets: 0,
    isOemReadOnly: false,
    ...changes,
  };
}

/** From the boot loader on, until something runs for good or on trial. @returns how many starts it took */
export function startOwnSlot(slots: OwnSlots): number {
  const tried = slots.try;
  slots.runs = slots.good;
  // GRUB tries nothing that it cannot cross out first.
  if (slots.trial === "not-written-down") return 1;
  slots.try = undefined;
  if (tried === undefined) return 1;
  slots.trials += 1;
  if (slots.content[tried] === "torn") throw new Error(`slot ${tried} was tried, and is not whole`);
  if (slots.trial === "well" || slots.trial === "fails-checks-late") {
    slots.runs = tried;
    return 1;
  }
  slots.trace =
    slots.trial === "fails-checks" ? `the health checks of slot ${tried} failed: a.service has failed` : undefined;
  return 2;
}

export interface OwnSlotsOutside {
  readonly alive: <T>(work: () => T | Promise<T>) => Promise<T>;
  readonly reach: (point: SlotPoint) => Promise<void>;
  readonly time: { readonly uptimeMs: number; readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void> };
  readonly world: {
    isStopping: boolean;
    cloudConfig: string | undefined;
    cloudConfigBefore: string | undefined;
    files: Map<string, MachineFile>;
    filesBefore: string | undefined;
    readonly events: string[];
  };
}

export interface MachineFile {
  readonly text: string;
  readonly mode: number;
}

/** The boot check takes so long. */
const CHECKED_AFTER_MS = 30_000;

export function ownSlotsPort(slots: OwnSlots, outside: OwnSlotsOutside): SystemSlotsPort {
  const { alive, reach, time, world } = outside;
  const act = <T>(what: string, work: () => T | Promise<T>): Promise<T> =>
    alive(async () => {
      await reach(`slots-${what}:before`);
      const result = await work();
      await reach(`slots-${what}:after`);
      return result;
    });
  const checkBoot = (): void => {
    if (time.uptimeMs < CHECKED_AFTER_MS || slots.good === slots.runs) return;
    if (slots.trial === "fails-checks-late") {
      slots.trace = `the health checks of slot ${slots.runs} failed: a.service has failed`;
      world.isStopping = true;
    } else slots.good = slots.runs;
  };
  return {
    running: () => slots.runs,
    runningDigest: () => alive(() => (slots.content[slots.runs] === NEW_RELEASE ? DIGEST : undefined)),
    write: (_reference, { signal, onProgress }) =>
      alive(async () => {
        const target = slots.runs === "a" ? "b" : "a";
        checkBoot();
        if (target === slots.good) throw new SlotError("SLOT_ON_TRIAL", `slot ${target} is the only good one`);
        slots.try = undefined;
        slots.content[target] = "torn";
        await onProgress("writing");
        await time.sleep(20_000, signal);
        return alive(() => {
          if (slots.bringsOwnWay) return undefined;
          slots.content[target] = NEW_RELEASE;
          world.events.push(`wrote ${target}`);
          return { slot: target, files: new Map([["/usr/lib/rancheros-release", Buffer.from(NEW_RELEASE)]]) };
        });
      }),
    requireRoom: () =>
      alive(() => {
        const freeBytes = slots.stateIsFull ? 1 : 301 * MIB;
        requireStateRoom({ neededBytes: 300 * MIB, freeBytes, neededFiles: 20, freeFiles: 1_000 });
      }),
    tryOnce: (slot) =>
      act("try", () => {
        slots.trace = undefined;
        slots.try = slot;
        world.events.push(`try ${slot}`);
        if (slots.failedTries === 0) return;
        slots.failedTries -= 1;
        throw new SlotError("SLOT_ENVIRONMENT_UNSAVED", "/oem/grub cannot be synced");
      }),
    tried: () => alive(() => slots.try),
    forgetTry: () =>
      act("forget-try", () => {
        if (slots.failedForgets === 0) {
          slots.try = undefined;
          return;
        }
        slots.failedForgets -= 1;
        throw new SlotError("SLOT_ENVIRONMENT_UNSAVED", "/oem takes nothing");
      }),
    restart: () =>
      act("restart", () => {
        if (slots.failedRestarts > 0) {
          slots.failedRestarts -= 1;
          throw new SlotError("SLOT_NO_RESTART", "systemctl reboot does not work");
        }
        world.isStopping = !slots.forgetsRestarts;
      }),
    isGood: (slot) =>
      alive(() => {
        checkBoot();
        return slots.good === slot;
      }),
    trialTrace: () => alive(() => slots.trace),
    writeCloudConfig: (path, text) =>
      act("config", () => {
        const which = path === CLOUD_CONFIG ? "cloudConfig" : "cloudConfigBefore";
        if (text === undefined && world[which] === undefined) return;
        if (slots.isOemReadOnly) throw new SlotError("SLOT_WRITE_FAILED", "/oem is mounted read-only");
        world[which] = text;
      }),
    configFiles: {
      named: (config) => Promise.resolve(namedFiles(Buffer.from(config))),
      kind: (path) => alive(() => (world.files.has(path) ? ("file" as const) : undefined)),
      read: (path) =>
        alive(() => {
          const { text, mode } = world.files.get(path) ?? {};
          return text === undefined || mode === undefined
            ? undefined
            : { content: Buffer.from(text), mode, uid: 0, gid: 0, names: 1 };
        }),
      replace: ({ path, content, mode }) =>
        act("file", () => void world.files.set(path, { text: Buffer.from(content).toString(), mode })),
      remove: (path) => act("file", () => void world.files.delete(path)),
      readKept: () => alive(() => world.filesBefore),
      keepAside: () =>
        act("kept", () => {
          world.filesBefore = undefined;
          return "aside";
        }),
      writeKept: (text) => act("kept", () => void (world.filesBefore = text)),
    },
  };
}

export function filesOf(config: string): readonly FileSetting[] {
  return parseCloudConfig(Buffer.from(config)).config?.files ?? [];
}
