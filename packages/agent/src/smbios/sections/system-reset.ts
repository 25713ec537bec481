/** Type 23, system reset. Source: DMTF DSP0134 7.24; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import type { SectionDraft } from "../section.ts";

const BOOT_OPTIONS: Names = { 1: ["Operating System", "System Utilities", "Do Not Reboot"] };
const UNKNOWN = 0xffff;

export function describeSystemReset(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0d) return;
  const capabilities = fields.u8(0x04);
  const watchdog = (capabilities & 0x20) !== 0;
  draft.text("Status", (capabilities & 0x01) === 0 ? "Disabled" : "Enabled");
  draft.text("Watchdog Timer", watchdog ? "Present" : "Not Present");
  if (!watchdog) return;
  draft.text("Boot Option", nameOf(BOOT_OPTIONS, (capabilities >>> 1) & 3));
  draft.text("Boot Option On Limit", nameOf(BOOT_OPTIONS, (capabilities >>> 3) & 3));
  draft.text("Reset Count", amountText(fields.u16(0x05), "")).text("Reset Limit", amountText(fields.u16(0x07), ""));
  draft.text("Timer Interval", amountText(fields.u16(0x09), " min"));
  draft.text("Timeout", amountText(fields.u16(0x0b), " min"));
}

function amountText(amount: number, unit: string): string {
  return amount === UNKNOWN ? "Unknown" : `${amount}${unit}`;
}
