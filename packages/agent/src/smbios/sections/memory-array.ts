/** Type 16, physical memory array. Source: DMTF DSP0134 7.17; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { handleText, sizeText } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const LOCATIONS: Names = {
  0x01: [
    "Other",
    "Unknown",
    "System Board Or Motherboard",
    "ISA Add-on Card",
    "EISA Add-on Card",
    "PCI Add-on Card",
    "MCA Add-on Card",
    "PCMCIA Add-on Card",
    "Proprietary Add-on Card",
    "NuBus",
  ],
  0xa0: [
    "PC-98/C20 Add-on Card",
    "PC-98/C24 Add-on Card",
    "PC-98/E Add-on Card",
    "PC-98/Local Bus Add-on Card",
    "CXL Flexbus 1.0",
  ],
};
const USES: Names = {
  1: ["Other", "Unknown", "System Memory", "Video Memory", "Flash Memory", "Non-volatile RAM", "Cache Memory"],
};
const CORRECTION_TYPES: Names = {
  1: ["Other", "Unknown", "None", "Parity", "Single-bit ECC", "Multi-bit ECC", "CRC"],
};
const CAPACITY_IN_SECOND_FIELD = 0x80000000;

export function describeMemoryArray(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0f) return;
  draft.text("Location", nameOf(LOCATIONS, fields.u8(0x04))).text("Use", nameOf(USES, fields.u8(0x05)));
  draft.text("Error Correction Type", nameOf(CORRECTION_TYPES, fields.u8(0x06)));
  draft.text("Maximum Capacity", capacityText(fields));
  draft.text("Error Information Handle", errorHandleText(fields.u16(0x0b)));
  draft.text("Number Of Devices", String(fields.u16(0x0d)));
}

function capacityText(fields: Fields): string {
  const sizeKiB = fields.u32(0x07);
  if (sizeKiB !== CAPACITY_IN_SECOND_FIELD) return sizeText(BigInt(sizeKiB), 1);
  return fields.lengthBytes < 0x17 ? "Unknown" : sizeText(fields.u64(0x0f), 0);
}

/** Also of memory devices: two handle values say why there is no structure with errors. */
export function errorHandleText(handle: number): string {
  if (handle === 0xfffe) return "Not Provided";
  return handle === 0xffff ? "No Error" : handleText(handle);
}
