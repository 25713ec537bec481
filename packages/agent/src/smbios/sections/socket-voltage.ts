/** The voltage of a processor or of memory modules. Source: DMTF DSP0134 7.5.4 and 7.6. */

import { bitNames } from "../names.ts";

const VOLTAGES = ["5.0 V", "3.3 V", "2.9 V"] as const;
const TENTHS_BIT = 0x80;

/** Tenths of a volt, or, in the legacy form, the voltages whose bits are set. */
export function voltageText(code: number): string {
  if ((code & TENTHS_BIT) !== 0) return `${((code & ~TENTHS_BIT) / 10).toFixed(1)} V`;
  return bitNames(VOLTAGES, code).join(" ") || "Unknown";
}
