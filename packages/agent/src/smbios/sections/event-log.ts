/** Type 15, system event log. Source: DMTF DSP0134 7.16; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf, nameOrOem } from "../names.ts";
import type { Names } from "../names.ts";
import { EVENT_ACCESS_METHODS, EVENT_DATA_FORMATS, EVENT_TYPES } from "../names/event-log.ts";
import { hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const HEADER_FORMATS: Names = { 0: ["No Header", "Type 1"] };
const LAST_INDEXED_IO = 2;
const MEMORY_MAPPED = 3;
const NON_VOLATILE_DATA = 4;
const END_OF_LOG = 0xff;

export function describeEventLog(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x14) return;
  const headerStart = fields.u16(0x06);
  const dataStart = fields.u16(0x08);
  draft.text("Area Length", `${fields.u16(0x04)} bytes`).text("Header Start Offset", hexUpper(headerStart, 4));
  if (dataStart !== headerStart) draft.text("Header Length", headerLength(headerStart, dataStart));
  draft.text("Data Start Offset", hexUpper(dataStart, 4));
  draft.text("Access Method", nameOrOem(EVENT_ACCESS_METHODS, fields.u8(0x0a)));
  draft.text("Access Address", accessAddress(fields)).text("Status", statusText(fields.u8(0x0b)));
  draft.text("Change Token", hexUpper(fields.u32(0x0c), 8));
  if (lengthBytes < 0x17) return;
  const count = fields.u8(0x15);
  draft.text("Header Format", nameOrOem(HEADER_FORMATS, fields.u8(0x14)));
  draft.text("Supported Log Type Descriptors", String(count));
  describeDescriptors(fields, draft, count, fields.u8(0x16));
}

function eventType(code: number): string {
  return code === END_OF_LOG ? nameOf(EVENT_TYPES, code) : nameOrOem(EVENT_TYPES, code);
}

/** Data in front of the header makes no sense; dmidecode then prints the difference as an unsigned 32-bit number. */
function headerLength(headerStart: number, dataStart: number): string {
  const lengthBytes = dataStart - headerStart;
  return `${lengthBytes >>> 0} ${lengthBytes > 1 ? "bytes" : "byte"}`;
}

function accessAddress(fields: Fields): string {
  const method = fields.u8(0x0a);
  if (method <= LAST_INDEXED_IO) return `Index ${hexUpper(fields.u16(0x10), 4)}, Data ${hexUpper(fields.u16(0x12), 4)}`;
  if (method === MEMORY_MAPPED) return hexUpper(fields.u32(0x10), 8);
  if (method === NON_VOLATILE_DATA) return hexUpper(fields.u16(0x10), 4);
  return "Unknown";
}

function statusText(code: number): string {
  return `${(code & 1) === 0 ? "Invalid" : "Valid"}, ${(code & 2) === 0 ? "Not Full" : "Full"}`;
}

function describeDescriptors(fields: Fields, draft: SectionDraft, count: number, recordBytes: number): void {
  if (recordBytes < 2 || fields.lengthBytes < 0x17 + count * recordBytes) return;
  for (let index = 0; index < count; index += 1) {
    const at = 0x17 + index * recordBytes;
    draft.text(`Descriptor ${index + 1}`, eventType(fields.u8(at)));
    draft.text(`Data Format ${index + 1}`, nameOrOem(EVENT_DATA_FORMATS, fields.u8(at + 1)));
  }
}
