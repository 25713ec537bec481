/** Has the firmware start the installed system next, where it has started the live one of a network instead. */
import type { CodedError, CodedErrorOptions } from "@rancheros/protocol/errors";

import {
  areStartsSpent,
  FirmwareError,
  MAX_ATTEMPTS,
  startNext,
  type AttemptsFile,
  type EfiVariables,
  type LoaderPlace,
  type StartStores,
} from "../firmware/index.ts";
import { neededBytes } from "./disk-layout.ts";
import type { Disk } from "./disk.ts";
import { InstallError } from "./errors.ts";
import type { ReadInstallation } from "./guard-installed.ts";
import { isFromNetwork, judgeDiskStart } from "./judge-start.ts";
import type { InstallSettings } from "./settings.ts";

export interface FoundLoader {
  readonly place: LoaderPlace;
  /** On the same partition. */
  readonly file: AttemptsFile;
}

export interface StartOutside {
  readonly listDisks: () => Promise<readonly Disk[]>;
  readonly readInstallation: ReadInstallation;
  /** Undefined: this machine was started by BIOS. */
  readonly variables: EfiVariables | undefined;
  /** @returns undefined where the disk has none for this machine's UEFI */
  readonly findLoader: (disk: Disk) => Promise<FoundLoader | undefined>;
  /** @throws InstallError INSTALL_BUSY while somebody installs by hand, from the first question on */
  readonly requireUnattended: () => void;
  /** As that, and nobody else installs while the work is done, nor after it went well. */
  readonly hold: <T>(work: () => Promise<T>) => Promise<T>;
  /** Of this start of the machine, by the clock that is given with it. */
  readonly moment: () => { readonly bootId: string; readonly nowMs: number; readonly startedAtMs: number };
}

export interface StartInstalledOptions {
  readonly settings: Pick<InstallSettings, "rule" | "installed" | "slotBytes">;
  readonly commandLine: string;
  /** What the system takes that would be installed, as far as it can be told without a registry. */
  readonly systemBytes: number;
  /** Why nothing is installed. */
  readonly refusal: InstallError;
  /** Told what is about to be done. @returns when it may be done */
  readonly announce: (disk: string, reference: string) => Promise<void>;
  /** What keeps the machine from nothing, and somebody should know. */
  readonly onWarning: (error: CodedError) => void;
}

/** What the machine starts from next. */
export interface InstalledStart {
  readonly disk: string;
  /** Of the firmware, such as Boot0001. */
  readonly entry: string;
}

const ORDER_MEND =
  "Let the firmware try the disk before the network, in its own menu, and restart. Where it starts from the disk and comes back " +
  "here all the same, look at what the installed system says on the console. Once that has started, this counts anew.";

/**
 * The restart is left to the caller.
 * @throws InstallError INSTALL_DISK_INSTALLED with what is against it; what `hold` and `announce` throw; SlotError
 */
export async function startThrough(outside: StartOutside, options: StartInstalledOptions): Promise<InstalledStart> {
  const { settings, commandLine, refusal, announce, onWarning } = options;
  const { variables } = outside;
  if (settings.installed === "stay") throw refusal;
  if (!isFromNetwork(commandLine)) throw stays(refusal, "this live system was not loaded over the network");
  if (variables === undefined) {
    throw stays(refusal, "this machine was started by BIOS, which cannot be told what to start next");
  }
  const first = await findTarget(outside, options);
  const storesOf = ({ file }: FoundLoader): StartStores => ({ variables, file, onUnsaved: onWarning });
  const isSpent = await asked(refusal, () => areStartsSpent(storesOf(first), first.place, outside.moment()));
  // What is not going to happen is not said.
  outside.requireUnattended();
  if (!isSpent) await announce(first.disk.path, first.reference);
  return outside.hold(async () => {
    // Somebody may have done something at the console meanwhile.
    const target = await findTarget(outside, options);
    const next = await asked(refusal, () => startNext(storesOf(target), target.place, outside.moment()));
    if (next !== "spent") return { disk: target.disk.path, entry: next.entry };
    const why = `the firmware was told so ${MAX_ATTEMPTS} times in a row, and within two hours each time this live system came again, without the installed system having said that it runs`;
    throw stays(refusal, why, { mend: ORDER_MEND });
  });
}

interface StartTarget extends FoundLoader {
  readonly disk: Disk;
  readonly reference: string;
}

/** @throws InstallError INSTALL_DISK_INSTALLED where there is none; SlotError */
async function findTarget(
  { listDisks, readInstallation, findLoader }: StartOutside,
  { settings: { rule, slotBytes }, systemBytes, refusal }: StartInstalledOptions,
): Promise<StartTarget> {
  const found = await judgeDiskStart(
    await listDisks(),
    rule,
    neededBytes({ slotBytes, systemBytes }),
    readInstallation,
  );
  if (found.kind === "stay") throw stays(refusal, found.why);
  const { disk, reference } = found;
  const loader = await findLoader(disk);
  if (loader === undefined) throw stays(refusal, `${disk.path} has no boot loader for this machine's UEFI`);
  return { disk, reference, ...loader };
}

/** @throws InstallError INSTALL_DISK_INSTALLED for what the firmware does not take, or does not say */
async function asked<T>(refusal: InstallError, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof FirmwareError)) throw cause;
    throw stays(refusal, `the firmware cannot be told so: ${cause.message}`, { cause, mend: cause.mend });
  }
}

function stays(refusal: InstallError, why: string, more: Pick<CodedErrorOptions, "cause" | "mend"> = {}): InstallError {
  const message = `${refusal.message}; it is not started from here either: ${why}`;
  return new InstallError("INSTALL_DISK_INSTALLED", message, { details: refusal.details, ...more });
}
