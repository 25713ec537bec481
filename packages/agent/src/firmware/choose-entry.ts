/** Which of the firmware's entries starts a boot loader: one that is there, one of ours that is out of date, or a new one. */
import { DESCRIPTION, parseLoadOption } from "./load-option.ts";

export interface ChosenEntry {
  /** As BootNext takes it. */
  readonly number: number;
  /** It says so already. */
  readonly isThere: boolean;
}

const LAST = 0xffff;

/** @param number  of an entry. @returns the name of its variable, such as Boot0001 */
export function entryName(number: number): string {
  return `Boot${number.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** @param name  of a variable. @returns undefined where it is of no entry */
export function entryNumber(name: string): number | undefined {
  const [, digits] = /^Boot([0-9A-F]{4})$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/**
 * Where the boot loader lies is what counts, whoever has made the entry. Of ours, that of an earlier installation gives way.
 * @param entries  what the variables say, by number
 * @param wanted   as `loadOption` makes it
 * @returns undefined where no number is free
 */
export function chooseEntry(entries: ReadonlyMap<number, Buffer>, wanted: Buffer): ChosenEntry | undefined {
  const path = parseLoadOption(wanted)?.devicePath;
  let outOfDate: number | undefined;
  for (const [number, bytes] of entries) {
    const option = parseLoadOption(bytes);
    if (option === undefined) continue;
    if (option.isActive && path !== undefined && option.devicePath.equals(path)) return { number, isThere: true };
    if (option.description === DESCRIPTION) outOfDate ??= number;
  }
  if (outOfDate !== undefined) return { number: outOfDate, isThere: false };
  for (let number = 0; number <= LAST; number++) if (!entries.has(number)) return { number, isThere: false };
  return undefined;
}
