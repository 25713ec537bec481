/** Type 43, TPM device. Source: DMTF DSP0134 7.44; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames } from "../names.ts";
import { hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const NOT_SUPPORTED_BIT = 0x04;
const FIRST_CHARACTERISTIC_BIT = 3;
const CHARACTERISTICS = [
  "Family configurable via firmware update",
  "Family configurable via platform software support",
  "Family configurable via OEM proprietary mechanism",
] as const;

export function describeTpmDevice(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x1b) return;
  draft.text("Vendor ID", vendorText(fields.bytes(0x04, 4)));
  draft.text("Specification Version", `${fields.u8(0x08)}.${fields.u8(0x09)}`);
  draft.optionalText("Firmware Revision", firmwareRevision(fields));
  draft.text("Description", fields.string(0x12));
  // Of the 64 bits only the lowest six have a meaning.
  const bits = fields.u8(0x13);
  const unsupported = (bits & NOT_SUPPORTED_BIT) !== 0;
  draft.list(
    "Characteristics",
    unsupported
      ? ["TPM Device characteristics not supported"]
      : bitNames(CHARACTERISTICS, bits, FIRST_CHARACTERISTIC_BIT),
  );
  if (fields.lengthBytes < 0x1f) return;
  draft.text("OEM-specific Information", hexUpper(fields.u32(0x1b), 8));
}

/** Up to four characters, ended by a zero. */
function vendorText(bytes: Uint8Array): string {
  const [text = ""] = Buffer.from(bytes).toString("latin1").split("\0");
  return text.replaceAll(/[^ -~]/g, ".");
}

/** Only TPM 1.x and 2.x say where their revision is. */
function firmwareRevision(fields: Fields): string | undefined {
  switch (fields.u8(0x08)) {
    case 1:
      return `${fields.u8(0x0c)}.${fields.u8(0x0d)}`;
    case 2:
      return `${fields.u16(0x0c)}.${fields.u16(0x0a)}`;
    default:
      return undefined;
  }
}
