/** SMBIOS tables of a machine that does not exist, for software machines: a folder as /sys/firmware/dmi/tables is. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface SystemInformation {
  readonly manufacturer: string;
  readonly productName: string;
  readonly serialNumber: string;
  /** 16 bytes, as hex digits. */
  readonly uuidHex: string;
}

function strings(texts: readonly string[]): Buffer {
  return Buffer.from(`${texts.join("\0")}\0\0`);
}

/** Type 1, System Information; DMTF DSP0134 section 7.2. */
function systemStructure(system: SystemInformation): Buffer {
  const formatted = Buffer.alloc(27);
  formatted.set([1, 27, 0, 1, 1, 2, 0, 3]);
  Buffer.from(system.uuidHex, "hex").copy(formatted, 8);
  // Wake-up type: power switch.
  formatted.set([6, 0, 0], 24);
  return Buffer.concat([formatted, strings([system.manufacturer, system.productName, system.serialNumber])]);
}

/** Type 127, end of table; section 7.45. */
const END = Buffer.from([127, 4, 0xff, 0x7f, 0, 0]);

/** The 64-bit entry point; section 5.2.2. */
function entryPoint(tableBytes: number): Buffer {
  const entry = Buffer.alloc(24);
  entry.write("_SM3_", "latin1");
  entry.set([24, 3, 3, 0, 1, 0], 6);
  entry.writeUInt32LE(tableBytes, 12);
  entry[5] = (256 - (entry.reduce((sum, byte) => sum + byte, 0) % 256)) % 256;
  return entry;
}

/** Writes `smbios_entry_point` and `DMI` into the folder, which is made when missing. */
export function writeSystemTables(folder: string, system: SystemInformation): void {
  const table = Buffer.concat([systemStructure(system), END]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "smbios_entry_point"), entryPoint(table.length));
  writeFileSync(path.join(folder, "DMI"), table);
}
