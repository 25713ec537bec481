/** Type 0, BIOS information. Source: DMTF DSP0134 7.1; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames } from "../names.ts";
import { hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const ROM_UNITS = ["MB", "GB", "<OUT OF SPEC>", "<OUT OF SPEC>"] as const;
const NOT_SUPPORTED_BIT = 3;
const FIRST_CHARACTERISTIC_BIT = 4;
const CHARACTERISTICS = [
  "ISA is supported",
  "MCA is supported",
  "EISA is supported",
  "PCI is supported",
  "PC Card (PCMCIA) is supported",
  "PNP is supported",
  "APM is supported",
  "BIOS is upgradeable",
  "BIOS shadowing is allowed",
  "VLB is supported",
  "ESCD support is available",
  "Boot from CD is supported",
  "Selectable boot is supported",
  "BIOS ROM is socketed",
  "Boot from PC Card (PCMCIA) is supported",
  "EDD is supported",
  "Japanese floppy for NEC 9800 1.2 MB is supported (int 13h)",
  "Japanese floppy for Toshiba 1.2 MB is supported (int 13h)",
  '5.25"/360 kB floppy services are supported (int 13h)',
  '5.25"/1.2 MB floppy services are supported (int 13h)',
  '3.5"/720 kB floppy services are supported (int 13h)',
  '3.5"/2.88 MB floppy services are supported (int 13h)',
  "Print screen service is supported (int 5h)",
  "8042 keyboard services are supported (int 9h)",
  "Serial services are supported (int 14h)",
  "Printer services are supported (int 17h)",
  "CGA/mono video services are supported (int 10h)",
  "NEC PC-98",
] as const;
const EXTENSION_1 = [
  "ACPI is supported",
  "USB legacy is supported",
  "AGP is supported",
  "I2O boot is supported",
  "LS-120 boot is supported",
  "ATAPI Zip drive boot is supported",
  "IEEE 1394 boot is supported",
  "Smart battery is supported",
] as const;
const EXTENSION_2 = [
  "BIOS boot specification is supported",
  "Function key-initiated network boot is supported",
  "Targeted content distribution is supported",
  "UEFI is supported",
  "System is a virtual machine",
  "Manufacturing mode is supported",
  "Manufacturing mode is enabled",
] as const;

export function describeBios(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x12) return;
  draft.text("Vendor", fields.string(0x04)).text("Version", fields.string(0x05));
  draft.text("Release Date", fields.string(0x08));
  const segment = fields.u16(0x06);
  // UEFI firmware has no segment.
  if (segment !== 0) {
    draft.text("Address", `${hexUpper(segment, 4)}0`).text("Runtime Size", runtimeSize((0x10000 - segment) << 4));
  }
  draft.text("ROM Size", romSize(fields)).list("Characteristics", characteristics(fields));
  if (fields.lengthBytes < 0x18) return;
  draft.optionalText("BIOS Revision", revision(fields, 0x14));
  draft.optionalText("Firmware Revision", revision(fields, 0x16));
}

function runtimeSize(sizeBytes: number): string {
  return sizeBytes % 1024 === 0 ? `${sizeBytes / 1024} kB` : `${sizeBytes} bytes`;
}

function romSize(fields: Fields): string {
  const code = fields.u8(0x09);
  if (code === 0xff && fields.lengthBytes >= 0x1a) {
    const extended = fields.u16(0x18);
    return `${extended & 0x3fff} ${ROM_UNITS[extended >>> 14]}`;
  }
  const sizeKiB = (code + 1) * 64;
  return sizeKiB % 1024 === 0 ? `${sizeKiB / 1024} MB` : `${sizeKiB} kB`;
}

function characteristics(fields: Fields): readonly string[] {
  const bits = fields.u32(0x0a);
  const notSupported = ((bits >>> NOT_SUPPORTED_BIT) & 1) === 1;
  return [
    ...(notSupported
      ? ["BIOS characteristics not supported"]
      : bitNames(CHARACTERISTICS, bits, FIRST_CHARACTERISTIC_BIT)),
    ...(fields.lengthBytes >= 0x13 ? bitNames(EXTENSION_1, fields.u8(0x12)) : []),
    ...(fields.lengthBytes >= 0x14 ? bitNames(EXTENSION_2, fields.u8(0x13)) : []),
  ];
}

/** Either half at 0xff says that the system has no such revision. */
function revision(fields: Fields, offset: number): string | undefined {
  const major = fields.u8(offset);
  const minor = fields.u8(offset + 1);
  return major === 0xff || minor === 0xff ? undefined : `${major}.${minor}`;
}
