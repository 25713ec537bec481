/** Type 27, cooling device. Source: DMTF DSP0134 7.28; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { handleText, hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";
import { PROBE_STATUSES } from "./probe.ts";

const COOLING_TYPES: Names = {
  0x01: [
    "Other",
    "Unknown",
    "Fan",
    "Centrifugal Blower",
    "Chip Fan",
    "Cabinet Fan",
    "Power Supply Fan",
    "Heat Pipe",
    "Integrated Refrigeration",
  ],
  0x10: ["Active Cooling", "Passive Cooling"],
};
const NO_PROBE = 0xffff;
const UNKNOWN_SPEED = 0x8000;

export function describeCoolingDevice(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x0c) return;
  const probe = fields.u16(0x04);
  const kind = fields.u8(0x06);
  const group = fields.u8(0x07);
  if (probe !== NO_PROBE) draft.text("Temperature Probe Handle", handleText(probe));
  draft.text("Type", nameOf(COOLING_TYPES, kind & 0x1f)).text("Status", nameOf(PROBE_STATUSES, kind >>> 5));
  if (group !== 0) draft.text("Cooling Unit Group", String(group));
  draft.text("OEM-specific Information", hexUpper(fields.u32(0x08), 8));
  if (lengthBytes < 0x0e) return;
  const speed = fields.u16(0x0c);
  draft.text("Nominal Speed", speed === UNKNOWN_SPEED ? "Unknown Or Non-rotating" : `${speed} rpm`);
  if (lengthBytes < 0x0f) return;
  draft.text("Description", fields.string(0x0e));
}
