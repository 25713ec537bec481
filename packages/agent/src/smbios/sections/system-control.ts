/** Types 24, 25 and 30: passwords, scheduled power-on, remote access. Source: DMTF DSP0134 7.25, 7.26, 7.31; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import type { SectionDraft } from "../section.ts";

const SECURITY_STATUSES = ["Disabled", "Enabled", "Not Implemented", "Unknown"] as const;
const SECURITY_KEYS: readonly (readonly [key: string, lowestBit: number])[] = [
  ["Power-On Password Status", 6],
  ["Keyboard Password Status", 4],
  ["Administrator Password Status", 2],
  ["Front Panel Reset Status", 0],
];

/** Type 24. */
export function describeHardwareSecurity(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x05) return;
  const bits = fields.u8(0x04);
  for (const [key, lowestBit] of SECURITY_KEYS) draft.text(key, SECURITY_STATUSES[(bits >>> lowestBit) & 3] ?? "");
}

/** Type 25: a part outside its range means "every". */
export function describePowerControls(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x09) return;
  const date = [decimalText(fields.u8(0x04), 0x01, 0x12), decimalText(fields.u8(0x05), 0x01, 0x31)];
  const time = [0x23, 0x59, 0x59].map((last, index) => decimalText(fields.u8(0x06 + index), 0x00, last));
  draft.text("Next Scheduled Power-on", `${date.join("-")} ${time.join(":")}`);
}

/** Type 30. */
export function describeRemoteAccess(fields: Fields, draft: SectionDraft): void {
  if (fields.lengthBytes < 0x06) return;
  const bits = fields.u8(0x05);
  draft.text("Manufacturer Name", fields.string(0x04));
  draft.text("Inbound Connection", (bits & 1) === 0 ? "Disabled" : "Enabled");
  draft.text("Outbound Connection", (bits & 2) === 0 ? "Disabled" : "Enabled");
}

/** Binary-coded decimal between two bounds that are coded likewise. */
function decimalText(code: number, first: number, last: number): string {
  const decimal = (code & 0x0f) <= 9 && code >>> 4 <= 9;
  return decimal && code >= first && code <= last ? code.toString(16).padStart(2, "0") : "*";
}
