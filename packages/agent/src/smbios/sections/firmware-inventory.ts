/** Type 45, firmware inventory information. Source: DMTF DSP0134 7.46; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { handleText, sizeText } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const STATES: Names = {
  1: ["Other", "Unknown", "Disabled", "Enabled", "Absent", "Stand-by Offline", "Stand-by Spare", "Unavailable Offline"],
};
const UNKNOWN_BYTES = 0xffff_ffff_ffff_ffffn;

export function describeFirmware(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x18) return;
  draft.text("Firmware Component Name", fields.string(0x04)).text("Firmware Version", fields.string(0x05));
  draft.text("Firmware ID", fields.string(0x07)).text("Release Date", fields.string(0x09));
  draft.text("Manufacturer", fields.string(0x0a));
  draft.text("Lowest Supported Firmware Version", fields.string(0x0b));
  draft.text("Image Size", imageSize(fields.u64(0x0c)));
  const characteristics = fields.u16(0x14);
  const answers = [
    `Updatable: ${(characteristics & 1) === 0 ? "No" : "Yes"}`,
    `Write-Protect: ${(characteristics & 2) === 0 ? "No" : "Yes"}`,
  ];
  draft.list("Characteristics", answers).text("State", nameOf(STATES, fields.u8(0x16)));
  const count = fields.u8(0x17);
  if (fields.lengthBytes < 0x18 + count * 2) return;
  const handles = Array.from({ length: count }, (_, index) => handleText(fields.u16(0x18 + index * 2)));
  draft.list("Associated Components", handles, count);
}

function imageSize(sizeBytes: bigint): string {
  if (sizeBytes === UNKNOWN_BYTES) return "Unknown";
  return sizeBytes === 0n ? "None" : sizeText(sizeBytes, 0);
}
