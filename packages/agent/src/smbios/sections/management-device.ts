/** Types 34, 35 and 36, management devices. Source: DMTF DSP0134 7.35 to 7.37; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { handleText, hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const DEVICE_TYPES: Names = {
  1: [
    "Other",
    "Unknown",
    "LM75",
    "LM78",
    "LM79",
    "LM80",
    "LM81",
    "ADM9240",
    "DS1780",
    "MAX1617",
    "GL518SM",
    "W83781D",
    "HT82H791",
  ],
};
const ADDRESS_TYPES: Names = { 1: ["Other", "Unknown", "I/O Port", "Memory", "SMBus"] };
const NO_THRESHOLD = 0xffff;
const UNKNOWN_THRESHOLD = 0x8000;
const THRESHOLD_KEYS = [
  "Lower Non-critical Threshold",
  "Upper Non-critical Threshold",
  "Lower Critical Threshold",
  "Upper Critical Threshold",
  "Lower Non-recoverable Threshold",
  "Upper Non-recoverable Threshold",
] as const;

/** Type 34. */
export function describeManagementDevice(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0b) return;
  draft.text("Description", fields.string(0x04)).text("Type", nameOf(DEVICE_TYPES, fields.u8(0x05)));
  draft.text("Address", hexUpper(fields.u32(0x06), 8));
  draft.text("Address Type", nameOf(ADDRESS_TYPES, fields.u8(0x0a)));
}

/** Type 35. */
export function describeManagementComponent(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0b) return;
  const threshold = fields.u16(0x09);
  draft.text("Description", fields.string(0x04)).text("Management Device Handle", handleText(fields.u16(0x05)));
  draft.text("Component Handle", handleText(fields.u16(0x07)));
  if (threshold !== NO_THRESHOLD) draft.text("Threshold Handle", handleText(threshold));
}

/** Type 36. */
export function describeManagementThresholds(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x10) return;
  for (const [index, key] of THRESHOLD_KEYS.entries()) {
    const offset = 0x04 + index * 2;
    if (fields.u16(offset) !== UNKNOWN_THRESHOLD) draft.text(key, String(fields.i16(offset)));
  }
}
