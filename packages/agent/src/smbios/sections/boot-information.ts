/** Type 32, system boot information. Source: DMTF DSP0134 7.33; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import type { SectionDraft } from "../section.ts";

const STATUSES: Names = {
  0: [
    "No errors detected",
    "No bootable media",
    "Operating system failed to load",
    "Firmware-detected hardware failure",
    "Operating system-detected hardware failure",
    "User-requested boot",
    "System security violation",
    "Previously-requested image",
    "System watchdog timer expired",
  ],
};

export function describeBoot(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x0b) return;
  draft.text("Status", statusText(fields.u8(0x0a)));
}

function statusText(code: number): string {
  if (code >= 0xc0) return "Product-specific";
  return code >= 0x80 ? "OEM-specific" : nameOf(STATUSES, code);
}
