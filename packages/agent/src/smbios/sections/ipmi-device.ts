/** Type 38, IPMI device information. Source: DMTF DSP0134 7.39; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { hexLower, hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const INTERFACE_TYPES: Names = {
  0: [
    "Unknown",
    "KCS (Keyboard Control Style)",
    "SMIC (Server Management Interface Chip)",
    "BT (Block Transfer)",
    "SSIF (SMBus System Interface)",
  ],
};
const SPACINGS: Names = { 0: ["Successive Byte Boundaries", "32-bit Boundaries", "16-byte Boundaries"] };
const SMBUS_INTERFACE = 0x04;
const NO_STORAGE = 0xff;

export function describeIpmiDevice(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x10) return;
  const version = fields.u8(0x05);
  const storage = fields.u8(0x07);
  draft.text("Interface Type", nameOf(INTERFACE_TYPES, fields.u8(0x04)));
  draft.text("Specification Version", `${version >>> 4}.${version & 0x0f}`);
  draft.text("I2C Slave Address", hexLower(fields.u8(0x06) >>> 1, 2));
  if (storage === NO_STORAGE) draft.text("NV Storage Device", "Not Present");
  else draft.text("NV Storage Device Address", String(storage));
  draft.text("Base Address", baseAddress(fields));
  if (fields.lengthBytes < 0x12) return;
  // An SMBus interface has no registers.
  if (fields.u8(0x04) !== SMBUS_INTERFACE) describeRegisters(fields.u8(0x10), draft);
  const interrupt = fields.u8(0x11);
  if (interrupt !== 0) draft.text("Interrupt Number", String(interrupt));
}

/** The lowest bit tells the address space; the real lowest bit is in the modifier. */
function baseAddress(fields: Fields): string {
  const address = fields.u64(0x08);
  if (fields.u8(0x04) === SMBUS_INTERFACE) return `${hexUpper((address & 0xffn) >> 1n, 2)} (SMBus)`;
  const lowestBit = fields.lengthBytes < 0x11 ? 0 : (fields.u8(0x10) >>> 4) & 1;
  const space = (address & 1n) === 0n ? "Memory-mapped" : "I/O";
  return `${hexUpper((address & ~1n) | BigInt(lowestBit), 16)} (${space})`;
}

function describeRegisters(modifier: number, draft: SectionDraft): void {
  draft.text("Register Spacing", nameOf(SPACINGS, modifier >>> 6));
  if ((modifier & 0x08) !== 0) {
    draft.text("Interrupt Polarity", (modifier & 0x02) === 0 ? "Active Low" : "Active High");
    draft.text("Interrupt Trigger Mode", (modifier & 0x01) === 0 ? "Edge" : "Level");
  }
}
