/** Type 1, system information. Source: DMTF DSP0134 7.2; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import type { SectionDraft } from "../section.ts";

const WAKE_UP_TYPES: Names = {
  0: [
    "Reserved",
    "Other",
    "Unknown",
    "APM Timer",
    "Modem Ring",
    "LAN Remote",
    "Power Switch",
    "PCI PME#",
    "AC Power Restored",
  ],
};
/** From this version on a UUID's first three fields are little-endian. */
const LITTLE_ENDIAN_UUID_VERSION = 0x0206;

/** @param version  major << 8 | minor of the entry point: it decides the UUID's byte order */
export function describeSystem(fields: Fields, draft: SectionDraft, version: number): void {
  if (fields.lengthBytes < 0x08) return;
  draft.text("Manufacturer", fields.string(0x04)).text("Product Name", fields.string(0x05));
  draft.text("Version", fields.string(0x06)).text("Serial Number", fields.string(0x07));
  if (fields.lengthBytes < 0x19) return;
  draft.text("UUID", uuidText(fields.bytes(0x08, 16), version));
  draft.text("Wake-up Type", nameOf(WAKE_UP_TYPES, fields.u8(0x18)));
  if (fields.lengthBytes < 0x1b) return;
  draft.text("SKU Number", fields.string(0x19)).text("Family", fields.string(0x1a));
}

function uuidText(bytes: Uint8Array, version: number): string {
  if (bytes.every((byte) => byte === 0xff)) return "Not Present";
  if (bytes.every((byte) => byte === 0x00)) return "Not Settable";
  const mixed = version >= LITTLE_ENDIAN_UUID_VERSION;
  const parts = [bytes.slice(0, 4), bytes.slice(4, 6), bytes.slice(6, 8)].map((part) =>
    hex(mixed ? part.reverse() : part),
  );
  return [...parts, hex(bytes.slice(8, 10)), hex(bytes.slice(10))].join("-");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
