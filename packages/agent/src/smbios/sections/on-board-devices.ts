/** Types 10 and 41, devices on the board. Source: DMTF DSP0134 7.11, 7.42; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { busAddress } from "../number-text.ts";
import { SectionDraft } from "../section.ts";
import type { TitledSection } from "../section.ts";

const ENABLED_BIT = 0x80;
const DEVICE_TYPES: Names = {
  1: [
    "Other",
    "Unknown",
    "Video",
    "SCSI Controller",
    "Ethernet",
    "Token Ring",
    "Sound",
    "PATA Controller",
    "SATA Controller",
    "SAS Controller",
    "Wireless LAN",
    "Bluetooth",
    "WWAN",
    "eMMC",
    "NVMe Controller",
    "UFS Controller",
  ],
};

/** Type 10, obsolete: one structure with several devices, which dmidecode numbers in the title. */
export function onBoardDeviceSections(fields: Fields): readonly TitledSection[] {
  const count = Math.floor((fields.lengthBytes - 4) / 2);
  return Array.from({ length: count }, (_, index) => {
    const code = fields.u8(0x04 + index * 2);
    const draft = new SectionDraft().text("Type", nameOf(DEVICE_TYPES, code & ~ENABLED_BIT));
    draft.text("Status", statusText(code)).text("Description", fields.string(0x05 + index * 2));
    const title = count === 1 ? "On Board Device Information" : `On Board Device ${index + 1} Information`;
    return { title, section: draft.section };
  });
}

/** Type 41. */
export function describeOnboardDevice(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0b) return;
  const code = fields.u8(0x05);
  draft.text("Reference Designation", fields.string(0x04)).text("Type", nameOf(DEVICE_TYPES, code & ~ENABLED_BIT));
  draft.text("Status", statusText(code)).text("Type Instance", String(fields.u8(0x06)));
  const place = [fields.u16(0x07), fields.u8(0x09), fields.u8(0x0a)] as const;
  if (place[0] !== 0xffff || place[1] !== 0xff || place[2] !== 0xff) draft.text("Bus Address", busAddress(...place));
}

function statusText(code: number): string {
  return (code & ENABLED_BIT) === 0 ? "Disabled" : "Enabled";
}
