/** Types 18 and 33, memory error information. Source: DMTF DSP0134 7.19, 7.34; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const ERROR_TYPES: Names = {
  1: [
    "Other",
    "Unknown",
    "OK",
    "Bad Read",
    "Parity Error",
    "Single-bit Error",
    "Double-bit Error",
    "Multi-bit Error",
    "Nibble Error",
    "Checksum Error",
    "CRC Error",
    "Corrected Single-bit Error",
    "Corrected Error",
    "Uncorrectable Error",
  ],
};
const GRANULARITIES: Names = { 1: ["Other", "Unknown", "Device Level", "Memory Partition Level"] };
const OPERATIONS: Names = { 1: ["Other", "Unknown", "Read", "Write", "Partial Write"] };
const UNKNOWN_32 = 0x80000000;
const UNKNOWN_64 = 0x8000_0000_0000_0000n;

/** Type 18. */
export function describeMemoryError32(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x17) return;
  describeKind(fields, draft);
  draft.text("Memory Array Address", address32(fields.u32(0x0b)));
  draft.text("Device Address", address32(fields.u32(0x0f))).text("Resolution", address32(fields.u32(0x13)));
}

/** Type 33. */
export function describeMemoryError64(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x1f) return;
  describeKind(fields, draft);
  draft.text("Memory Array Address", address64(fields.u64(0x0b)));
  draft.text("Device Address", address64(fields.u64(0x13))).text("Resolution", address32(fields.u32(0x1b)));
}

function describeKind(fields: Fields, draft: SectionDraft): void {
  const syndrome = fields.u32(0x07);
  draft.text("Type", nameOf(ERROR_TYPES, fields.u8(0x04)));
  draft.text("Granularity", nameOf(GRANULARITIES, fields.u8(0x05)));
  draft.text("Operation", nameOf(OPERATIONS, fields.u8(0x06)));
  draft.text("Vendor Syndrome", syndrome === 0 ? "Unknown" : hexUpper(syndrome, 8));
}

function address32(address: number): string {
  return address === UNKNOWN_32 ? "Unknown" : hexUpper(address, 8);
}

function address64(address: bigint): string {
  return address === UNKNOWN_64 ? "Unknown" : hexUpper(address, 16);
}
