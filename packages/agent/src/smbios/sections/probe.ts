/** Types 26, 28 and 29, probes for voltage, temperature and current. Source: DMTF DSP0134 7.27, 7.29, 7.30; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { hexUpper } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

const LOCATIONS = [
  "Other",
  "Unknown",
  "Processor",
  "Disk",
  "Peripheral Bay",
  "System Management Module",
  "Motherboard",
  "Memory Module",
  "Processor Module",
  "Power Unit",
  "Add-in Card",
] as const;
const PROBE_LOCATIONS: Names = { 1: LOCATIONS };
const TEMPERATURE_LOCATIONS: Names = {
  1: [...LOCATIONS, "Front Panel Board", "Back Panel Board", "Power System Board", "Drive Back Plane"],
};
/** DSP0134 7.27.1; a cooling device has the same statuses. */
export const PROBE_STATUSES: Names = { 1: ["Other", "Unknown", "OK", "Non-critical", "Critical", "Non-recoverable"] };
const UNKNOWN = 0x8000;

/** How many of a probe's steps make its unit, and the decimals that leaves. */
interface Scale {
  readonly unit: string;
  readonly decimals: number;
}

/** Type 26. */
export function describeVoltageProbe(fields: Fields, draft: SectionDraft): void {
  describeProbe(fields, draft, PROBE_LOCATIONS, { unit: "V", decimals: 3 }, { unit: "mV", decimals: 1 });
}

/** Type 28. */
export function describeTemperatureProbe(fields: Fields, draft: SectionDraft): void {
  describeProbe(fields, draft, TEMPERATURE_LOCATIONS, { unit: "deg C", decimals: 1 }, { unit: "deg C", decimals: 3 });
}

/** Type 29. */
export function describeCurrentProbe(fields: Fields, draft: SectionDraft): void {
  describeProbe(fields, draft, PROBE_LOCATIONS, { unit: "A", decimals: 3 }, { unit: "mA", decimals: 1 });
}

function describeProbe(fields: Fields, draft: SectionDraft, locations: Names, value: Scale, resolution: Scale): void {
  if (fields.lengthBytes < 0x14) return;
  const place = fields.u8(0x05);
  draft.text("Description", fields.string(0x04)).text("Location", nameOf(locations, place & 0x1f));
  draft.text("Status", nameOf(PROBE_STATUSES, place >>> 5));
  draft.text("Maximum Value", signedText(fields, 0x06, value)).text("Minimum Value", signedText(fields, 0x08, value));
  draft.text("Resolution", scaledText(fields.u16(0x0a), fields.u16(0x0a), resolution));
  draft.text("Tolerance", signedText(fields, 0x0c, value));
  draft.text("Accuracy", scaledText(fields.u16(0x0e), fields.u16(0x0e), { unit: "%", decimals: 2 }));
  draft.text("OEM-specific Information", hexUpper(fields.u32(0x10), 8));
  if (fields.lengthBytes < 0x16) return;
  draft.text("Nominal Value", signedText(fields, 0x14, value));
}

function signedText(fields: Fields, offset: number, scale: Scale): string {
  return scaledText(fields.u16(offset), fields.i16(offset), scale);
}

function scaledText(code: number, steps: number, scale: Scale): string {
  if (code === UNKNOWN) return "Unknown";
  const amount = (steps / 10 ** scale.decimals).toFixed(scale.decimals);
  return scale.unit === "%" ? `${amount}%` : `${amount} ${scale.unit}`;
}
