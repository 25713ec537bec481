/** Type 14, group associations. Source: DMTF DSP0134 7.15; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOrOem } from "../names.ts";
import { STRUCTURE_TYPES } from "../names/structure-type.ts";
import { handleText } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const ITEM_BYTES = 3;

export function describeGroup(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x05) return;
  const count = Math.floor((fields.lengthBytes - 5) / ITEM_BYTES);
  const items = Array.from({ length: count }, (_, index) => {
    const at = 0x05 + index * ITEM_BYTES;
    return `${handleText(fields.u16(at + 1))} (${nameOrOem(STRUCTURE_TYPES, fields.u8(at))})`;
  });
  draft.text("Name", fields.string(0x04)).list("Items", items, count);
}
