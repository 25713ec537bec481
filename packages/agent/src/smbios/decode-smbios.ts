/** From the two files of the kernel to the report. */

import { decodeEntryPoint } from "./entry-point.ts";
import type { EntryPoint } from "./entry-point.ts";
import type { SmbiosError } from "./errors.ts";
import { renderSmbios } from "./render-smbios.ts";
import type { Smbios } from "./render-smbios.ts";
import { salvageStructures } from "./structures.ts";

/** The tables as the kernel hands them out. */
export interface SmbiosTables {
  readonly entryPoint: Uint8Array;
  readonly table: Uint8Array;
}

export interface DecodedSmbios {
  readonly version: EntryPoint["version"];
  readonly smbios: Smbios;
  /** The table is damaged from `details.offset` on; what stands before it is in `smbios`. */
  readonly fault: SmbiosError | undefined;
}

/**
 * Decodes tables into the report. A damaged table is no reason to report nothing: firmware with one is in the field,
 * and the machine must still get its name.
 * @throws SmbiosError  SMBIOS_ENTRY_POINT
 */
export function decodeSmbios(tables: SmbiosTables): DecodedSmbios {
  const { version, tableBytes, structureCount } = decodeEntryPoint(tables.entryPoint);
  const table = tables.table.subarray(0, tableBytes);
  const { structures, fault } = salvageStructures(table, { count: structureCount });
  return { version, smbios: renderSmbios(structures, version), fault };
}
