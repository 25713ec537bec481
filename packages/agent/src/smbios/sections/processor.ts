/** Type 4, processor information. Source: DMTF DSP0134 7.5; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames, nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { PROCESSOR_FAMILIES } from "../names/processor-family.ts";
import { PROCESSOR_UPGRADES } from "../names/processor-upgrade.ts";
import { handleText, unknownIfZero } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";
import { decodeSignature } from "./processor-signature.ts";
import { voltageText } from "./socket-voltage.ts";

const PROCESSOR_TYPES: Names = {
  1: ["Other", "Unknown", "Central Processor", "Math Processor", "DSP Processor", "Video Processor"],
};
const STATUSES: Names = { 0: ["Unknown", "Enabled", "Disabled By User", "Disabled By BIOS", "Idle"], 7: ["Other"] };
const POPULATED_BIT = 0x40;
const FAMILY_IN_SECOND_FIELD = 0xfe;
/** Two makers used this code for different processors. */
const CORE_2_OR_K7 = 0xbe;
const COUNT_IN_SECOND_FIELD = 0xff;
const NO_CACHE = 0xffff;
const NO_CACHE_IS_UNKNOWN_VERSION = 0x0203;
const FIRST_CHARACTERISTIC_BIT = 2;
const KNOWN_CHARACTERISTICS = 0x00fc;
const CHARACTERISTICS = [
  "64-bit capable",
  "Multi-Core",
  "Hardware Thread",
  "Execute Protection",
  "Enhanced Virtualization",
  "Power/Performance Control",
  "128-bit Capable",
  "Arm64 SoC ID",
] as const;

/** @param version  major << 8 | minor of the entry point: it decides how a missing cache is worded */
export function describeProcessor(fields: Fields, draft: SectionDraft, version: number): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x1a) return;
  describeIdentity(fields, draft);
  draft.text("Version", fields.string(0x10)).text("Voltage", voltageText(fields.u8(0x11)));
  draft.text("External Clock", unknownIfZero(fields.u16(0x12), "MHz"));
  draft.text("Max Speed", unknownIfZero(fields.u16(0x14), "MHz"));
  draft.text("Current Speed", unknownIfZero(fields.u16(0x16), "MHz"));
  draft.text("Status", statusText(fields.u8(0x18))).text("Upgrade", nameOf(PROCESSOR_UPGRADES, fields.u8(0x19)));
  if (lengthBytes < 0x20) return;
  for (const level of [1, 2, 3]) {
    draft.text(`L${level} Cache Handle`, cacheText(fields.u16(0x18 + level * 2), level, version));
  }
  if (lengthBytes < 0x23) return;
  draft.text("Serial Number", fields.string(0x20)).text("Asset Tag", fields.string(0x21));
  draft.text("Part Number", fields.string(0x22));
  if (lengthBytes < 0x28) return;
  describeCores(fields, draft);
}

function describeIdentity(fields: Fields, draft: SectionDraft): void {
  const family =
    fields.u8(0x06) === FAMILY_IN_SECOND_FIELD && fields.lengthBytes >= 0x2a ? fields.u16(0x28) : fields.u8(0x06);
  const manufacturer = fields.string(0x07);
  draft.text("Socket Designation", fields.string(0x04)).text("Type", nameOf(PROCESSOR_TYPES, fields.u8(0x05)));
  draft.text("Family", familyText(family, manufacturer)).text("Manufacturer", manufacturer);
  draft.text(
    "ID",
    Buffer.from(fields.bytes(0x08, 8))
      .toString("hex")
      .toUpperCase()
      .replaceAll(/..(?=.)/g, "$& "),
  );
  const signature = decodeSignature(fields, family);
  if (signature === undefined) return;
  draft.text("Signature", signature.signature);
  if (signature.flags !== undefined) draft.flags("Flags", signature.flags);
}

function familyText(family: number, manufacturer: string): string {
  if (family !== CORE_2_OR_K7) return nameOf(PROCESSOR_FAMILIES, family);
  if (manufacturer.includes("Intel") || /^intel/i.test(manufacturer)) return "Core 2";
  if (manufacturer.includes("AMD") || /^amd/i.test(manufacturer)) return "K7";
  return "Core 2 or K7";
}

function statusText(code: number): string {
  return (code & POPULATED_BIT) === 0 ? "Unpopulated" : `Populated, ${nameOf(STATUSES, code & 7)}`;
}

function cacheText(handle: number, level: number, version: number): string {
  if (handle !== NO_CACHE) return handleText(handle);
  return version >= NO_CACHE_IS_UNKNOWN_VERSION ? "Not Provided" : `No L${level} Cache`;
}

function describeCores(fields: Fields, draft: SectionDraft): void {
  draft.optionalText("Core Count", countText(fields, 0x23, 0x2a));
  draft.optionalText("Core Enabled", countText(fields, 0x24, 0x2c));
  draft.optionalText("Thread Count", countText(fields, 0x25, 0x2e));
  const bits = fields.u16(0x26);
  const known = (bits & KNOWN_CHARACTERISTICS) !== 0;
  draft.flags("Characteristics", known ? bitNames(CHARACTERISTICS, bits, FIRST_CHARACTERISTIC_BIT) : []);
}

/** From 256 on a count is in a second field, which older structures do not have. */
function countText(fields: Fields, offset: number, secondOffset: number): string | undefined {
  const count = fields.u8(offset);
  if (count === 0) return undefined;
  const inSecondField = count === COUNT_IN_SECOND_FIELD && fields.lengthBytes >= secondOffset + 2;
  return String(inSecondField ? fields.u16(secondOffset) : count);
}
