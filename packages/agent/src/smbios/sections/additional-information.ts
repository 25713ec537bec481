/** Type 40, additional information: one structure with several entries. Source: DMTF DSP0134 7.41; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { hexLower } from "../number-text.ts";
import { SectionDraft } from "../section.ts";
import type { TitledSection } from "../section.ts";

const FIRST_ENTRY = 0x05;
const ENTRY_HEADER_BYTES = 5;

/** A section for each entry; the first entry that does not fit gives an empty one, as dmidecode prints it. */
export function additionalInformationSections(fields: Fields): readonly TitledSection[] {
  if (fields.lengthBytes < 0x0b) return [];
  const sections: TitledSection[] = [];
  const count = fields.u8(0x04);
  let at = FIRST_ENTRY;
  for (let number = 1; number <= count; number += 1) {
    const draft = new SectionDraft();
    sections.push({ title: `Additional Information ${number}`, section: draft.section });
    const entryBytes = at < fields.lengthBytes ? fields.u8(at) : 0;
    if (entryBytes < ENTRY_HEADER_BYTES || at + entryBytes > fields.lengthBytes) break;
    draft.text("Referenced Handle", hexLower(fields.u16(at + 1), 4));
    draft.text("Referenced Offset", hexLower(fields.u8(at + 3), 2)).text("String", fields.string(at + 4));
    draft.text("Value", valueText(fields, at + ENTRY_HEADER_BYTES, entryBytes - ENTRY_HEADER_BYTES));
    at += entryBytes;
  }
  return sections;
}

function valueText(fields: Fields, offset: number, valueBytes: number): string {
  if (valueBytes === 1) return hexLower(fields.u8(offset), 2);
  if (valueBytes === 2) return hexLower(fields.u16(offset), 4);
  return valueBytes === 4 ? hexLower(fields.u32(offset), 8) : "Unexpected size";
}
