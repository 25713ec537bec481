/** Types 19 and 20, where memory is mapped. Source: DMTF DSP0134 7.20, 7.21; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { OUT_OF_SPEC } from "../names.ts";
import { handleText, hexUpper, sizeText } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const ADDRESSES_IN_SECOND_FIELDS = 0xffffffff;
const UNKNOWN_POSITION = 0xff;

/** Type 19. */
export function describeMappedArray(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0f) return;
  describeRange(fields, draft, 0x0f);
  draft.text("Physical Array Handle", handleText(fields.u16(0x0c))).text("Partition Width", String(fields.u8(0x0e)));
}

/** Type 20. */
export function describeMappedDevice(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x13) return;
  describeRange(fields, draft, 0x13);
  draft.text("Physical Device Handle", handleText(fields.u16(0x0c)));
  draft.text("Memory Array Mapped Address Handle", handleText(fields.u16(0x0e)));
  const row = fields.u8(0x10);
  // 0 is not a row: dmidecode says so in the words of a code without a name.
  draft.text("Partition Row Position", row === 0 ? OUT_OF_SPEC : positionText(row));
  draft.optionalText("Interleave Position", optionalPosition(fields.u8(0x11)));
  draft.optionalText("Interleaved Data Depth", optionalPosition(fields.u8(0x12)));
}

/** Kilobytes in 32 bits, or bytes in the two 64-bit fields at `secondOffset`. */
function describeRange(fields: Fields, draft: SectionDraft, secondOffset: number): void {
  const start = fields.u32(0x04);
  if (fields.lengthBytes >= secondOffset + 16 && start === ADDRESSES_IN_SECOND_FIELDS) {
    const startBytes = fields.u64(secondOffset);
    const endBytes = fields.u64(secondOffset + 8);
    draft.text("Starting Address", `${hexUpper(startBytes, 16)}k`).text("Ending Address", `${hexUpper(endBytes, 16)}k`);
    const size = BigInt.asUintN(64, endBytes - startBytes + 1n);
    draft.text("Range Size", startBytes === endBytes ? "Invalid" : sizeText(size, 0));
    return;
  }
  const end = fields.u32(0x08);
  const sizeKiB = (end - start + 1) >>> 0;
  draft.text("Starting Address", hexUpper(BigInt(start) << 10n, 11));
  draft.text("Ending Address", hexUpper((BigInt(end) << 10n) + 0x3ffn, 11));
  draft.text("Range Size", sizeKiB === 0 ? "Invalid" : sizeText(BigInt(sizeKiB), 1));
}

function positionText(position: number): string {
  return position === UNKNOWN_POSITION ? "Unknown" : String(position);
}

/** 0 says that the device is not interleaved. */
function optionalPosition(position: number): string | undefined {
  return position === 0 ? undefined : positionText(position);
}
