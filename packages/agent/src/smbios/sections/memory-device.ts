/** Type 17, memory device. Source: DMTF DSP0134 7.18; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames, nameOf } from "../names.ts";
import { MEMORY_FORM_FACTORS, MEMORY_TECHNOLOGIES, MEMORY_TYPES } from "../names/memory-device.ts";
import { handleText, hexUpper, sizeText } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";
import { errorHandleText } from "./memory-array.ts";

const UNKNOWN_SIZE = 0xffff;
const SIZE_IN_SECOND_FIELD = 0x7fff;
const KILOBYTES_BIT = 0x8000;
const SPEED_IN_SECOND_FIELD = 0xffff;
/** Structures of this length (SMBIOS 3.3) have the second fields of both speeds. */
const SECOND_SPEEDS_BYTES = 0x5c;
const UNKNOWN_BYTES = 0xffff_ffff_ffff_ffffn;
const FIRST_DETAIL_BIT = 1;
const DETAIL_BITS = 0xfffe;
const DETAILS = [
  "Other",
  "Unknown",
  "Fast-paged",
  "Static Column",
  "Pseudo-static",
  "RAMBus",
  "Synchronous",
  "CMOS",
  "EDO",
  "Window DRAM",
  "Cache DRAM",
  "Non-Volatile",
  "Registered (Buffered)",
  "Unbuffered (Unregistered)",
  "LRDIMM",
] as const;
const OPERATING_MODES = [
  "Other",
  "Unknown",
  "Volatile memory",
  "Byte-accessible persistent memory",
  "Block-accessible persistent memory",
] as const;
const SIZE_FIELDS: readonly (readonly [key: string, offset: number])[] = [
  ["Non-Volatile Size", 0x34],
  ["Volatile Size", 0x3c],
  ["Cache Size", 0x44],
  ["Logical Size", 0x4c],
];

export function describeMemoryDevice(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x15) return;
  const set = fields.u8(0x0f);
  draft.text("Array Handle", handleText(fields.u16(0x04)));
  draft.text("Error Information Handle", errorHandleText(fields.u16(0x06)));
  draft.text("Total Width", widthText(fields.u16(0x08))).text("Data Width", widthText(fields.u16(0x0a)));
  draft.text("Size", moduleSize(fields)).text("Form Factor", nameOf(MEMORY_FORM_FACTORS, fields.u8(0x0e)));
  draft.text("Set", set === 0 ? "None" : set === 0xff ? "Unknown" : String(set));
  draft.text("Locator", fields.string(0x10)).text("Bank Locator", fields.string(0x11));
  draft.text("Type", nameOf(MEMORY_TYPES, fields.u8(0x12)));
  draft.text("Type Detail", bitsText(DETAILS, fields.u16(0x13)));
  // Nothing more can be said about an empty socket.
  if (lengthBytes < 0x17 || fields.u16(0x0c) === 0) return;
  describeModule(fields, draft);
  describePersistence(fields, draft);
}

function describeModule(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  draft.text("Speed", speedText(fields, 0x15, 0x54));
  if (lengthBytes < 0x1b) return;
  draft.text("Manufacturer", fields.string(0x17)).text("Serial Number", fields.string(0x18));
  draft.text("Asset Tag", fields.string(0x19)).text("Part Number", fields.string(0x1a));
  if (lengthBytes < 0x1c) return;
  const rank = fields.u8(0x1b) & 0x0f;
  draft.text("Rank", rank === 0 ? "Unknown" : String(rank));
  if (lengthBytes < 0x22) return;
  draft.text("Configured Memory Speed", speedText(fields, 0x20, 0x58));
  if (lengthBytes < 0x28) return;
  draft.text("Minimum Voltage", voltageText(fields.u16(0x22)));
  draft.text("Maximum Voltage", voltageText(fields.u16(0x24)));
  draft.text("Configured Voltage", voltageText(fields.u16(0x26)));
}

function describePersistence(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x34) return;
  draft.text("Memory Technology", nameOf(MEMORY_TECHNOLOGIES, fields.u8(0x28)));
  draft.text("Memory Operating Mode Capability", bitsText(OPERATING_MODES, fields.u16(0x29)));
  draft.text("Firmware Version", fields.string(0x2b));
  draft.text("Module Manufacturer ID", manufacturerId(fields.u16(0x2c)));
  draft.text("Module Product ID", productId(fields.u16(0x2e)));
  draft.text("Memory Subsystem Controller Manufacturer ID", manufacturerId(fields.u16(0x30)));
  draft.text("Memory Subsystem Controller Product ID", productId(fields.u16(0x32)));
  for (const [key, offset] of SIZE_FIELDS) {
    if (fields.lengthBytes < offset + 8) return;
    draft.text(key, bytesText(fields.u64(offset)));
  }
}

function widthText(bits: number): string {
  return bits === 0 || bits === 0xffff ? "Unknown" : `${bits} bits`;
}

function moduleSize(fields: Fields): string {
  const code = fields.u16(0x0c);
  if (code === 0) return "No Module Installed";
  if (code === UNKNOWN_SIZE) return "Unknown";
  if (code === SIZE_IN_SECOND_FIELD && fields.lengthBytes >= 0x20) return extendedSize(fields.u32(0x1c) & 0x7fffffff);
  return sizeText(BigInt(code & ~KILOBYTES_BIT), (code & KILOBYTES_BIT) === 0 ? 2 : 1);
}

/** Megabytes, in the largest unit that loses nothing. */
function extendedSize(sizeMiB: number): string {
  if (sizeMiB % 0x400 !== 0) return `${sizeMiB} MB`;
  return sizeMiB % 0x100000 === 0 ? `${sizeMiB / 0x100000} TB` : `${sizeMiB / 0x400} GB`;
}

function speedText(fields: Fields, offset: number, secondOffset: number): string {
  const speed = fields.u16(offset);
  if (speed !== SPEED_IN_SECOND_FIELD) return speed === 0 ? "Unknown" : `${speed} MT/s`;
  const second = fields.lengthBytes >= SECOND_SPEEDS_BYTES ? fields.u32(secondOffset) : 0;
  return second === 0 ? "Unknown" : `${second} MT/s`;
}

function voltageText(millivolts: number): string {
  if (millivolts === 0) return "Unknown";
  const volts = millivolts / 1000;
  return millivolts % 100 === 0 ? `${volts.toFixed(1)} V` : `${volts} V`;
}

function bitsText(names: readonly string[], bits: number): string {
  return (bits & DETAIL_BITS) === 0 ? "None" : bitNames(names, bits, FIRST_DETAIL_BIT).join(" ");
}

/** JEP-106: continuation codes with parity in the low byte, the code in the high one. */
function manufacturerId(code: number): string {
  return code === 0 ? "Unknown" : `Bank ${(code & 0x7f) + 1}, Hex ${hexUpper(code >>> 8, 2)}`;
}

function productId(code: number): string {
  return code === 0 ? "Unknown" : hexUpper(code, 4);
}

function bytesText(size: bigint): string {
  if (size === UNKNOWN_BYTES) return "Unknown";
  return size === 0n ? "None" : sizeText(size, 0);
}
