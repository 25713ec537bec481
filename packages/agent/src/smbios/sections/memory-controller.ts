/** Types 5 and 6, memory controller and memory module, both obsolete since 2.1. Source: DMTF DSP0134 7.6, 7.7; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames, nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { handleText, unknownIfZero } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";
import { voltageText } from "./socket-voltage.ts";

const DETECTING_METHODS: Names = {
  1: ["Other", "Unknown", "None", "8-bit Parity", "32-bit ECC", "64-bit ECC", "128-bit ECC", "CRC"],
};
const INTERLEAVES: Names = {
  1: [
    "Other",
    "Unknown",
    "One-way Interleave",
    "Two-way Interleave",
    "Four-way Interleave",
    "Eight-way Interleave",
    "Sixteen-way Interleave",
  ],
};
const CORRECTING = [
  "Other",
  "Unknown",
  "None",
  "Single-bit Error Correcting",
  "Double-bit Error Correcting",
  "Error Scrubbing",
] as const;
const SPEEDS = ["Other", "Unknown", "70 ns", "60 ns", "50 ns"] as const;
const MODULE_TYPES = [
  "Other",
  "Unknown",
  "Standard",
  "FPM",
  "EDO",
  "Parity",
  "ECC",
  "SIMM",
  "DIMM",
  "Burst EDO",
  "SDRAM",
] as const;
const NO_BANK = 0x0f;
const DOUBLE_BANK_BIT = 0x80;
const SPECIAL_SIZES: Names = { 0x7d: ["Not Determinable", "Disabled"] };
const NOT_INSTALLED = 0x7f;
const ERROR_STATUSES: Names = {
  0: ["OK", "Uncorrectable Errors", "Correctable Errors", "Correctable and Uncorrectable Errors"],
};
const SEE_EVENT_LOG_BIT = 0x04;

/** Type 5. */
export function describeMemoryController(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0f) return;
  draft.text("Error Detecting Method", nameOf(DETECTING_METHODS, fields.u8(0x04)));
  draft.flags("Error Correcting Capabilities", bitNames(CORRECTING, fields.u8(0x05)));
  draft.text("Supported Interleave", nameOf(INTERLEAVES, fields.u8(0x06)));
  draft.text("Current Interleave", nameOf(INTERLEAVES, fields.u8(0x07)));
  const sizeCode = fields.u8(0x08);
  const slots = fields.u8(0x0e);
  draft.text("Maximum Memory Module Size", megabytes(1, sizeCode));
  draft.text("Maximum Total Memory Size", megabytes(slots, sizeCode));
  draft.flags("Supported Speeds", bitNames(SPEEDS, fields.u16(0x09)));
  draft.flags("Supported Memory Types", bitNames(MODULE_TYPES, fields.u16(0x0b)));
  draft.text("Memory Module Voltage", voltageText(fields.u8(0x0d)));
  const end = 0x0f + slots * 2;
  if (fields.lengthBytes < end) return;
  const handles = Array.from({ length: slots }, (_, index) => handleText(fields.u16(0x0f + index * 2)));
  draft.list("Associated Memory Slots", handles, slots);
  if (fields.lengthBytes < end + 1) return;
  draft.flags("Enabled Error Correcting Capabilities", bitNames(CORRECTING, fields.u8(end)));
}

/** Type 6. */
export function describeMemoryModule(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0c) return;
  draft.text("Socket Designation", fields.string(0x04)).text("Bank Connections", bankText(fields.u8(0x05)));
  draft.text("Current Speed", unknownIfZero(fields.u8(0x06), "ns"));
  draft.text("Type", bitNames(MODULE_TYPES, fields.u16(0x07)).join(" ") || "None");
  draft.text("Installed Size", moduleSize(fields.u8(0x09))).text("Enabled Size", moduleSize(fields.u8(0x0a)));
  const status = fields.u8(0x0b);
  draft.text("Error Status", (status & SEE_EVENT_LOG_BIT) === 0 ? nameOf(ERROR_STATUSES, status & 3) : "See Event Log");
}

/** `count` modules of 2 to the power of `exponent` megabytes, in the 32 bits that dmidecode computes with. */
function megabytes(count: number, exponent: number): string {
  return `${(count << (exponent & 31)) >>> 0} MB`;
}

function bankText(code: number): string {
  const banks = [code >>> 4, code & 0x0f].filter((bank) => bank !== NO_BANK);
  return banks.join(" ") || "None";
}

function moduleSize(code: number): string {
  const exponent = code & ~DOUBLE_BANK_BIT;
  if (exponent === NOT_INSTALLED) return "Not Installed";
  const size =
    exponent in SPECIAL_SIZES || exponent === 0x7e ? nameOf(SPECIAL_SIZES, exponent) : megabytes(1, exponent);
  return `${size} (${(code & DOUBLE_BANK_BIT) === 0 ? "Single" : "Double"}-bank Connection)`;
}
