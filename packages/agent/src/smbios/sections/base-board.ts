/** Type 2, baseboard information. Source: DMTF DSP0134 7.3; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames, nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { handleText } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const FEATURES = [
  "Board is a hosting board",
  "Board requires at least one daughter board",
  "Board is removable",
  "Board is replaceable",
  "Board is hot swappable",
] as const;
/** DSP0134 7.3.2, board types; a chassis names its contained boards by them too. */
export const BOARD_TYPES: Names = {
  1: [
    "Unknown",
    "Other",
    "Server Blade",
    "Connectivity Switch",
    "System Management Module",
    "Processor Module",
    "I/O Module",
    "Memory Module",
    "Daughter Board",
    "Motherboard",
    "Processor+Memory Module",
    "Processor+I/O Module",
    "Interconnect Board",
  ],
};

export function describeBaseBoard(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x08) return;
  draft.text("Manufacturer", fields.string(0x04)).text("Product Name", fields.string(0x05));
  draft.text("Version", fields.string(0x06)).text("Serial Number", fields.string(0x07));
  if (lengthBytes < 0x09) return;
  draft.text("Asset Tag", fields.string(0x08));
  if (lengthBytes < 0x0a) return;
  draft.flags("Features", bitNames(FEATURES, fields.u8(0x09)));
  if (lengthBytes < 0x0e) return;
  draft.text("Location In Chassis", fields.string(0x0a)).text("Chassis Handle", handleText(fields.u16(0x0b)));
  draft.text("Type", nameOf(BOARD_TYPES, fields.u8(0x0d)));
  if (lengthBytes < 0x0f) return;
  const count = fields.u8(0x0e);
  if (lengthBytes < 0x0f + count * 2) return;
  const handles = Array.from({ length: count }, (_, index) => handleText(fields.u16(0x0f + index * 2)));
  draft.list("Contained Object Handles", handles, count);
}
