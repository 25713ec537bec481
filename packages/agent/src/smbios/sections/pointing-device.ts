/** Type 21, built-in pointing device. Source: DMTF DSP0134 7.22; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import type { SectionDraft } from "../section.ts";

const TYPES: Names = {
  1: [
    "Other",
    "Unknown",
    "Mouse",
    "Track Ball",
    "Track Point",
    "Glide Point",
    "Touch Pad",
    "Touch Screen",
    "Optical Sensor",
  ],
};
const INTERFACES: Names = {
  0x01: ["Other", "Unknown", "Serial", "PS/2", "Infrared", "HIP-HIL", "Bus Mouse", "ADB (Apple Desktop Bus)"],
  0xa0: ["Bus Mouse DB-9", "Bus Mouse Micro DIN", "USB", "I2C", "SPI"],
};

export function describePointingDevice(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x07) return;
  draft.text("Type", nameOf(TYPES, fields.u8(0x04))).text("Interface", nameOf(INTERFACES, fields.u8(0x05)));
  draft.text("Buttons", String(fields.u8(0x06)));
}
