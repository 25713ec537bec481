/** What the kernel's command line says of the slot that was started. */
import { isSlotName, type SlotName } from "./slot.ts";

export interface StartedSlot {
  readonly slot: SlotName;
  /** Only this once: nobody has marked it good yet. */
  readonly isTrial: boolean;
}

/** @returns undefined where the machine has no slots of ours, or runs a live system */
export function startedSlot(commandLine: string): StartedSlot | undefined {
  const words = kernelWords(commandLine);
  const slot = words.findLast(([name]) => name === "rancheros.slot")?.[1];
  if (!isSlotName(slot)) return undefined;
  return { slot, isTrial: words.findLast(([name]) => name === "rancheros.trial")?.[1] === "1" };
}

/**
 * @returns name and value of each word; without `=` the value is undefined. Double quotes hold words together and go.
 * Source: Linux, Documentation/admin-guide/kernel-parameters.rst
 */
export function kernelWords(commandLine: string): readonly (readonly [name: string, value: string | undefined])[] {
  const words = commandLine.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
  return words.map((word) => {
    const plain = word.replaceAll('"', "");
    const at = plain.indexOf("=");
    return at === -1 ? ([plain, undefined] as const) : ([plain.slice(0, at), plain.slice(at + 1)] as const);
  });
}
