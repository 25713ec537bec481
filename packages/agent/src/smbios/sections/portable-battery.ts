/** Type 22, portable battery. Source: DMTF DSP0134 7.23; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { hexUpper, unknownIfZero } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const CHEMISTRIES: Names = {
  1: [
    "Other",
    "Unknown",
    "Lead Acid",
    "Nickel Cadmium",
    "Nickel Metal Hydride",
    "Lithium Ion",
    "Zinc Air",
    "Lithium Polymer",
  ],
};
const UNKNOWN_CHEMISTRY = 0x02;
const UNKNOWN_ERROR = 0xff;
/** From this length on the Smart Battery fields (SBDS) stand in for missing strings. */
const SMART_BATTERY_BYTES = 0x1a;

export function describeBattery(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x10) return;
  const smart = lengthBytes >= SMART_BATTERY_BYTES;
  const chemistry = fields.u8(0x09);
  const error = fields.u8(0x0f);
  draft.text("Location", fields.string(0x04)).text("Manufacturer", fields.string(0x05));
  if (fields.u8(0x06) !== 0 || !smart) draft.text("Manufacture Date", fields.string(0x06));
  if (fields.u8(0x07) !== 0 || !smart) draft.text("Serial Number", fields.string(0x07));
  draft.text("Name", fields.string(0x08));
  if (chemistry !== UNKNOWN_CHEMISTRY || !smart) draft.text("Chemistry", nameOf(CHEMISTRIES, chemistry));
  draft.text("Design Capacity", capacityText(fields)).text("Design Voltage", unknownIfZero(fields.u16(0x0c), "mV"));
  draft.text("SBDS Version", fields.string(0x0e));
  draft.text("Maximum Error", error === UNKNOWN_ERROR ? "Unknown" : `${error}%`);
  if (smart) describeSmartBattery(fields, draft);
}

function describeSmartBattery(fields: Fields, draft: SectionDraft): void {
  if (fields.u8(0x07) === 0) draft.text("SBDS Serial Number", hexUpper(fields.u16(0x10), 4).slice(2));
  if (fields.u8(0x06) === 0) draft.text("SBDS Manufacture Date", smartDate(fields.u16(0x12)));
  if (fields.u8(0x09) === UNKNOWN_CHEMISTRY) draft.text("SBDS Chemistry", fields.string(0x14));
  draft.text("OEM-specific Information", hexUpper(fields.u32(0x16), 8));
}

function capacityText(fields: Fields): string {
  const capacity = fields.u16(0x0a);
  if (capacity === 0) return "Unknown";
  return `${capacity * (fields.lengthBytes < 0x16 ? 1 : fields.u8(0x15))} mWh`;
}

/** Day in bits 0-4, month in 5-8, years since 1980 above. */
function smartDate(code: number): string {
  const [month, day] = [(code >>> 5) & 0x0f, code & 0x1f].map((part) => String(part).padStart(2, "0"));
  return `${1980 + (code >>> 9)}-${month}-${day}`;
}
