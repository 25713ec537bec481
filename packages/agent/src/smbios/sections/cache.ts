/** Type 7, cache information. Source: DMTF DSP0134 7.8; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames, nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { sizeText, unknownIfZero } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const MODES = ["Write Through", "Write Back", "Varies With Memory Address", "Unknown"] as const;
const LOCATIONS = ["Internal", "External", "<OUT OF SPEC>", "Unknown"] as const;
const SRAM_TYPES = ["Other", "Unknown", "Non-burst", "Burst", "Pipeline Burst", "Synchronous", "Asynchronous"] as const;
const CORRECTION_TYPES: Names = { 1: ["Other", "Unknown", "None", "Parity", "Single-bit ECC", "Multi-bit ECC"] };
const SYSTEM_TYPES: Names = { 1: ["Other", "Unknown", "Instruction", "Data", "Unified"] };
const ASSOCIATIVITIES: Names = {
  1: [
    "Other",
    "Unknown",
    "Direct Mapped",
    "2-way Set-associative",
    "4-way Set-associative",
    "Fully Associative",
    "8-way Set-associative",
    "16-way Set-associative",
    "12-way Set-associative",
    "24-way Set-associative",
    "32-way Set-associative",
    "48-way Set-associative",
    "64-way Set-associative",
    "20-way Set-associative",
  ],
};

export function describeCache(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x0f) return;
  const configuration = fields.u16(0x05);
  draft.text("Socket Designation", fields.string(0x04)).text("Configuration", configurationText(configuration));
  draft.text("Operational Mode", MODES[(configuration >>> 8) & 3] ?? "");
  draft.text("Location", LOCATIONS[(configuration >>> 5) & 3] ?? "");
  draft.text("Installed Size", cacheSize(fields, 0x09, 0x17)).text("Maximum Size", cacheSize(fields, 0x07, 0x13));
  draft.flags("Supported SRAM Types", bitNames(SRAM_TYPES, fields.u16(0x0b)));
  draft.text("Installed SRAM Type", bitNames(SRAM_TYPES, fields.u16(0x0d)).join(" ") || "None");
  if (lengthBytes < 0x13) return;
  draft.text("Speed", unknownIfZero(fields.u8(0x0f), "ns"));
  draft.text("Error Correction Type", nameOf(CORRECTION_TYPES, fields.u8(0x10)));
  draft.text("System Type", nameOf(SYSTEM_TYPES, fields.u8(0x11)));
  draft.text("Associativity", nameOf(ASSOCIATIVITIES, fields.u8(0x12)));
}

function configurationText(bits: number): string {
  const enabled = (bits & 0x80) === 0 ? "Disabled" : "Enabled";
  const socketed = (bits & 0x08) === 0 ? "Not Socketed" : "Socketed";
  return `${enabled}, ${socketed}, Level ${(bits & 7) + 1}`;
}

/** The highest bit says that the size counts 64 KiB, not 1 KiB; since 3.1 there is a second, wider field. */
function cacheSize(fields: Fields, offset: number, widerOffset: number): string {
  const wider = fields.lengthBytes >= widerOffset + 4;
  const code = wider ? fields.u32(widerOffset) : fields.u16(offset);
  const granularityBit = wider ? 31 : 15;
  const coarse = code >>> granularityBit === 1;
  const count = BigInt(code) & ((1n << BigInt(granularityBit)) - 1n);
  return sizeText(coarse ? count * 64n : count, 1);
}
