/** Type 39, system power supply. Source: DMTF DSP0134 7.40; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { handleText } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const STRING_KEYS = [
  "Location",
  "Name",
  "Manufacturer",
  "Serial Number",
  "Asset Tag",
  "Model Part Number",
  "Revision",
] as const;
const HANDLE_KEYS: readonly (readonly [key: string, offset: number])[] = [
  ["Input Voltage Probe Handle", 0x10],
  ["Cooling Device Handle", 0x12],
  ["Input Current Probe Handle", 0x14],
];
const STATUSES: Names = { 1: ["Other", "Unknown", "OK", "Non-critical", "Critical"] };
const SUPPLY_TYPES: Names = {
  1: ["Other", "Unknown", "Linear", "Switching", "Battery", "UPS", "Converter", "Regulator"],
};
const RANGE_SWITCHING: Names = { 1: ["Other", "Unknown", "Manual", "Auto-switch", "Wide Range", "N/A"] };
const UNKNOWN_CAPACITY = 0x8000;
const NO_HANDLE = 0xffff;

export function describePowerSupply(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x10) return;
  const group = fields.u8(0x04);
  const capacity = fields.u16(0x0c);
  if (group !== 0) draft.text("Power Unit Group", String(group));
  for (const [index, key] of STRING_KEYS.entries()) draft.text(key, fields.string(0x05 + index));
  draft.text("Max Power Capacity", capacity === UNKNOWN_CAPACITY ? "Unknown" : `${capacity} W`);
  describeCharacteristics(fields.u16(0x0e), draft);
  if (fields.lengthBytes < 0x16) return;
  for (const [key, offset] of HANDLE_KEYS) {
    const handle = fields.u16(offset);
    if (handle !== NO_HANDLE) draft.text(key, handleText(handle));
  }
}

function describeCharacteristics(bits: number, draft: SectionDraft): void {
  const present = (bits & 0x02) !== 0;
  draft.text("Status", present ? `Present, ${nameOf(STATUSES, (bits >>> 7) & 7)}` : "Not Present");
  draft.text("Type", nameOf(SUPPLY_TYPES, (bits >>> 10) & 0x0f));
  draft.text("Input Voltage Range Switching", nameOf(RANGE_SWITCHING, (bits >>> 3) & 0x0f));
  draft.text("Plugged", (bits & 0x04) === 0 ? "Yes" : "No");
  draft.text("Hot Replaceable", (bits & 0x01) === 0 ? "No" : "Yes");
}
