/** Type 3, system enclosure or chassis. Source: DMTF DSP0134 7.4; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { CHASSIS_TYPES } from "../names/chassis-type.ts";
import { STRUCTURE_TYPES } from "../names/structure-type.ts";
import { hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";
import { BOARD_TYPES } from "./base-board.ts";

const STATES: Names = { 1: ["Other", "Unknown", "Safe", "Warning", "Critical", "Non-recoverable"] };
const SECURITY_STATES: Names = {
  1: ["Other", "Unknown", "None", "External Interface Locked Out", "External Interface Enabled"],
};
const LOCK_BIT = 0x80;
/** Set where a contained element is named by structure type instead of board type. */
const STRUCTURE_TYPE_BIT = 0x80;

export function describeChassis(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x09) return;
  const type = fields.u8(0x05);
  draft.text("Manufacturer", fields.string(0x04)).text("Type", nameOf(CHASSIS_TYPES, type & ~LOCK_BIT));
  draft.text("Lock", (type & LOCK_BIT) === 0 ? "Not Present" : "Present").text("Version", fields.string(0x06));
  draft.text("Serial Number", fields.string(0x07)).text("Asset Tag", fields.string(0x08));
  if (lengthBytes < 0x0d) return;
  draft.text("Boot-up State", nameOf(STATES, fields.u8(0x09)));
  draft.text("Power Supply State", nameOf(STATES, fields.u8(0x0a)));
  draft.text("Thermal State", nameOf(STATES, fields.u8(0x0b)));
  draft.text("Security Status", nameOf(SECURITY_STATES, fields.u8(0x0c)));
  if (lengthBytes < 0x11) return;
  draft.text("OEM Information", hexUpper(fields.u32(0x0d), 8));
  if (lengthBytes < 0x13) return;
  const height = fields.u8(0x11);
  const cords = fields.u8(0x12);
  draft.text("Height", height === 0 ? "Unspecified" : `${height} U`);
  draft.text("Number Of Power Cords", cords === 0 ? "Unspecified" : String(cords));
  describeElements(fields, draft);
}

function describeElements(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x15) return;
  const count = fields.u8(0x13);
  const recordBytes = fields.u8(0x14);
  const end = 0x15 + count * recordBytes;
  if (lengthBytes < end) return;
  // A record shorter than its three fields cannot be read: dmidecode prints the count alone.
  const readable = recordBytes < 3 ? 0 : count;
  const elements = Array.from({ length: readable }, (_, index) => elementText(fields, 0x15 + index * recordBytes));
  draft.list("Contained Elements", elements, count);
  if (lengthBytes < end + 1) return;
  draft.text("SKU Number", fields.string(end));
}

function elementText(fields: Fields, offset: number): string {
  const type = fields.u8(offset);
  const named = (type & STRUCTURE_TYPE_BIT) === 0 ? BOARD_TYPES : STRUCTURE_TYPES;
  const range = [fields.u8(offset + 1), fields.u8(offset + 2)];
  const amount = range[0] === range[1] ? String(range[0]) : range.join("-");
  return `${nameOf(named, type & ~STRUCTURE_TYPE_BIT)} (${amount})`;
}
