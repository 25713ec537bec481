/** What the firmware says about this machine, in dmidecode's words, without dmidecode. */
import { decodeSmbios, type DecodedSmbios } from "./decode-smbios.ts";
import { DMI_TABLES_FOLDER, readDmiTables } from "./io/dmi-tables.ts";

export interface ReadSmbiosOptions {
  /** A folder of captured tables; default is the kernel's. */
  readonly folder?: string;
}

/**
 * Reads and decodes the tables.
 * @throws SmbiosError  where there is nothing to decode; a damaged table is a `fault` beside what stands before it
 */
export async function readSmbios(options: ReadSmbiosOptions = {}): Promise<DecodedSmbios> {
  return decodeSmbios(await readDmiTables(options.folder ?? DMI_TABLES_FOLDER));
}

export { decodeSmbios } from "./decode-smbios.ts";
export type { DecodedSmbios, SmbiosTables } from "./decode-smbios.ts";
export { SMBIOS_ERRORS, SmbiosError, isSmbiosLost } from "./errors.ts";
export type { SmbiosErrorCode } from "./errors.ts";
export { DMI_TABLES_FOLDER } from "./io/dmi-tables.ts";
export type { Smbios } from "./render-smbios.ts";
export { smbiosForHeader } from "./smbios-for-header.ts";
