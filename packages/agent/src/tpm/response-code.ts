/** What a TPM's 32-bit response code says: a name, and which handle, parameter or session of the command is meant. */

import { ERROR_NAMES, FORMAT_ONE_NAMES, WARNING_NAMES } from "./response-code-names.ts";

/** Who answered: the TPM itself, a resource manager in its name, or the software stack on the way to it. */
export type ResponseLayer = "tpm" | "resource-manager" | "transport" | "library";

export interface ResponseCode {
  /** As it stood in the answer, layer bits included. */
  readonly code: number;
  readonly layer: ResponseLayer;
  /** TCG name; `TPM_RC_0x...` for one that this table does not know, `TSS2_RC_0x...` for the software stack's own. */
  readonly name: string;
  /** Which part of the command is meant; numbers start at 1, 0 is "not said". */
  readonly about?: { readonly part: "handle" | "parameter" | "session"; readonly number: number };
}

/** TSS2 return codes, section 2.2 (layers): bits 16 to 23. */
const TCTI_LAYER = 10;
const RESOURCE_MANAGER_LAYERS: ReadonlySet<number> = new Set([11, 12]);

/**
 * @param code  unsigned 32 bits, as the tools print it after "ErrorCode"
 * Source: TPM 2.0 Library part 1, section 39.4 (response code formats); TCG TSS 2.0 overview, section 3.4 (layers)
 */
export function decodeResponseCode(code: number): ResponseCode {
  const layerNumber = (code >>> 16) & 0xff;
  if (layerNumber !== 0 && !RESOURCE_MANAGER_LAYERS.has(layerNumber)) {
    const layer = layerNumber === TCTI_LAYER ? "transport" : "library";
    return { code, layer, name: `TSS2_RC_${hex(code)}` };
  }
  const layer = layerNumber === 0 ? "tpm" : "resource-manager";
  const number = code & 0xffff;
  if ((number & 0x80) !== 0)
    return { code, layer, name: nameOf(FORMAT_ONE_NAMES, number & 0x3f, number), about: partOf(number) };
  // Bit 10: vendor defined. Bit 11: warning. Bit 8: TPM 2.0, clear for TPM 1.2.
  const isVendors = (number & 0x400) !== 0;
  if (isVendors || (number & 0x100) === 0) return { code, layer, name: `TPM_RC_${hex(number)}` };
  const names = (number & 0x800) === 0 ? ERROR_NAMES : WARNING_NAMES;
  return { code, layer, name: nameOf(names, number & 0x7f, number) };
}

/** One phrase for people: "TPM_RC_INTEGRITY (0x1df) for parameter 1". */
export function describeResponseCode(response: ResponseCode): string {
  const { name, code, about } = response;
  const number = name.endsWith(hex(code)) ? "" : ` (${hex(code)})`;
  if (about === undefined || about.number === 0) return `${name}${number}`;
  return `${name}${number} for ${about.part} ${about.number}`;
}

function partOf(number: number): NonNullable<ResponseCode["about"]> {
  if ((number & 0x40) !== 0) return { part: "parameter", number: (number >>> 8) & 0xf };
  if ((number & 0x800) !== 0) return { part: "session", number: (number >>> 8) & 0x7 };
  return { part: "handle", number: (number >>> 8) & 0x7 };
}

function nameOf(names: Readonly<Record<number, string>>, index: number, number: number): string {
  return names[index] ?? `TPM_RC_${hex(number)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
