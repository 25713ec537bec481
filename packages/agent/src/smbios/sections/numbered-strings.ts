/** Types 11 and 12, free strings of the manufacturer. Source: DMTF DSP0134 7.12, 7.13; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import type { SectionDraft } from "../section.ts";

/** Type 11: `String 1`, `String 2`, ... */
export function describeOemStrings(fields: Fields, draft: SectionDraft): void {
  describeNumbered(fields, draft, "String");
}

/** Type 12: `Option 1`, `Option 2`, ... */
export function describeConfigurationOptions(fields: Fields, draft: SectionDraft): void {
  describeNumbered(fields, draft, "Option");
}

function describeNumbered(fields: Fields, draft: SectionDraft, label: string): void {
  if (fields.lengthBytes < 0x05) return;
  const count = fields.u8(0x04);
  for (let number = 1; number <= count; number += 1) draft.text(`${label} ${number}`, fields.stringNumber(number));
}
