/** Tells the firmware to start a boot loader next time, once, whatever else it tries first; and counts how often that was in vain. */
import { chooseEntry, entryName, entryNumber } from "./choose-entry.ts";
import { FirmwareError } from "./errors.ts";
import type { AttemptsFile } from "./io/attempts-file.ts";
import type { EfiVariables } from "./io/efi-variables.ts";
import { loadOption, type LoaderPlace } from "./load-option.ts";
import {
  judgeAttempts,
  parseAttempts,
  parseAttemptsText,
  writeAttempts,
  writeAttemptsText,
  type JudgedStart,
  type StartMoment,
} from "./start-attempts.ts";

/** Source: UEFI specification, "Globally Defined Variables" */
const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/** Our own. */
const VENDOR = "959a8fc4-11b0-4855-8050-18661689714d";
const BOOT_NEXT = `BootNext-${GLOBAL}`;
const ATTEMPTS = `RancherOSStarts-${VENDOR}`;
const ENTRY_MARK = `-${GLOBAL}`;

/** Where attempts are counted. */
export interface StartStores {
  readonly variables: EfiVariables;
  /** For firmware that loses its variables at a restart. */
  readonly file: AttemptsFile;
  /** Told where that takes no count: the variable, which most firmware keeps, is enough then. */
  readonly onUnsaved: (error: FirmwareError) => void;
}

/**
 * Neither the order of booting nor anybody else's entry is changed.
 * @returns the name of the entry; `spent` where it was told so too often already, and nothing is changed
 * @throws FirmwareError
 */
export async function startNext(
  stores: StartStores,
  place: LoaderPlace,
  moment: Omit<StartMoment, "partitionId">,
): Promise<{ readonly entry: string } | "spent"> {
  const { variables } = stores;
  const { partitionId } = place;
  const wanted = loadOption(place);
  if (wanted === undefined) {
    throw new FirmwareError("FIRMWARE_UNSAVED", `the partition of the boot loader has no GUID: ${partitionId}`);
  }
  const { judged, bytes, text } = await judgeKept(stores, { ...moment, partitionId });
  const counted = writeAttempts(judged.record) ?? Buffer.alloc(0);
  // Before all else: without it a firmware that does not do what it is told would be told so for ever.
  if (bytes?.equals(counted) !== true) await variables.write(ATTEMPTS, counted);
  const line = writeAttemptsText(counted);
  if (text !== line) await stores.file.write(line).catch(onlyFirmware(stores.onUnsaved));
  if (judged.kind === "spent") return "spent";
  const entry = chooseEntry(await bootEntries(variables), wanted);
  if (entry === undefined) throw new FirmwareError("FIRMWARE_UNSAVED", "the firmware has no entry left that is free");
  const name = entryName(entry.number);
  if (!entry.isThere) await variables.write(`${name}${ENTRY_MARK}`, wanted);
  const next = Buffer.alloc(2);
  next.writeUInt16LE(entry.number, 0);
  await variables.write(BOOT_NEXT, next);
  return { entry: name };
}

/** Whether `startNext` would refuse; nothing is written. @throws FirmwareError */
export async function areStartsSpent(
  stores: StartStores,
  { partitionId }: LoaderPlace,
  moment: Omit<StartMoment, "partitionId">,
): Promise<boolean> {
  return (await judgeKept(stores, { ...moment, partitionId })).judged.kind === "spent";
}

interface KeptAttempts {
  readonly judged: JudgedStart;
  /** What the variable and the file say now. */
  readonly bytes: Buffer | undefined;
  readonly text: string | undefined;
}

async function judgeKept({ variables, file }: StartStores, moment: StartMoment): Promise<KeptAttempts> {
  const bytes = await variables.read(ATTEMPTS);
  // Whoever writes it next says what is wrong with it.
  const text = (await file.read().catch(onlyFirmware(() => undefined))) ?? undefined;
  const kept = [bytes && parseAttempts(bytes), text === undefined ? undefined : parseAttemptsText(text)];
  return {
    judged: judgeAttempts(
      kept.filter((record) => record !== undefined),
      moment,
    ),
    bytes,
    text,
  };
}

function onlyFirmware(tell: (error: FirmwareError) => void): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof FirmwareError)) throw error;
    tell(error);
    return undefined;
  };
}

async function bootEntries(variables: EfiVariables): Promise<ReadonlyMap<number, Buffer>> {
  const entries = new Map<number, Buffer>();
  for (const file of [...(await variables.names())].sort()) {
    const number = file.endsWith(ENTRY_MARK) ? entryNumber(file.slice(0, -ENTRY_MARK.length)) : undefined;
    if (number === undefined) continue;
    // It may have gone since, and its number is not free all the same.
    entries.set(number, (await variables.read(file)) ?? Buffer.alloc(0));
  }
  return entries;
}

/** The installed system runs: what was told to the firmware was not in vain. @throws FirmwareError */
export async function forgetStarts(variables: EfiVariables): Promise<void> {
  await variables.remove(ATTEMPTS);
}
