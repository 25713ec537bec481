/** Type 13, BIOS language information. Source: DMTF DSP0134 7.14; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import type { SectionDraft } from "../section.ts";

const ABBREVIATED_BIT = 0x01;
const FORMAT_KNOWN_VERSION = 0x0201;

/** @param version  major << 8 | minor of the entry point: 2.0 has no flags */
export function describeBiosLanguage(fields: Fields, draft: SectionDraft, version: number): void {
  if (fields.lengthBytes < 0x16) return;
  if (version >= FORMAT_KNOWN_VERSION) {
    draft.text("Language Description Format", (fields.u8(0x05) & ABBREVIATED_BIT) === 0 ? "Long" : "Abbreviated");
  }
  const count = fields.u8(0x04);
  const languages = Array.from({ length: count }, (_, index) => fields.stringNumber(index + 1));
  draft.list("Installable Languages", languages, count);
  draft.text("Currently Installed Language", fields.string(0x15));
}
