/** The SMBIOS entry point: which version, and how much of the table belongs to it. */

import { SmbiosError } from "./errors.ts";

export interface EntryPoint {
  /** Two-part for 2.x (2.8 has revision 0), three-part for 3.x. */
  readonly version: { readonly major: number; readonly minor: number; readonly revision: number };
  /** Physical address of the table, or its offset in a file of `dmidecode --dump-bin`. */
  readonly tableAddress: bigint;
  /** Exact for 2.x, an upper bound for 3.x. */
  readonly tableBytes: number;
  /** Only up to 2.x are structures counted; 3.x ends at type 127. */
  readonly structureCount: number | undefined;
}

const MAX_ENTRY_POINT_BYTES = 32;
const BYTES_64_BIT = 0x18;
/** Some 2.1 firmware says 0x1e here although the structure has 31 bytes (DSP0134 5.2.1). */
const BYTES_32_BIT = 0x1e;
const INTERMEDIATE_OFFSET = 0x10;
const INTERMEDIATE_BYTES = 0x0f;
/** The entry point of before 2.1, which is the second part of a later one as well. */
const LEGACY_BYTES = INTERMEDIATE_BYTES;
const MISSPELT_VERSIONS: ReadonlyMap<number, number> = new Map([
  [0x021f, 3],
  [0x0221, 3],
  [0x0233, 6],
]);

/**
 * Decodes the entry point of SMBIOS 2.1 and later ("_SM_"), 3.0 and later ("_SM3_"), or of what was before ("_DMI_").
 * @param bytes  /sys/firmware/dmi/tables/smbios_entry_point, 31, 24 or 15 bytes; what follows is ignored
 * @throws SmbiosError  SMBIOS_ENTRY_POINT
 * Source: DMTF DSP0134 5.2.1 and 5.2.2; for "_DMI_" Linux drivers/firmware/dmi_scan.c, dmi_present
 */
export function decodeEntryPoint(bytes: Uint8Array): EntryPoint {
  if (hasAnchor(bytes, 0, "_SM3_")) return decode64Bit(bytes);
  if (hasAnchor(bytes, 0, "_SM_")) return decode32Bit(bytes);
  if (hasAnchor(bytes, 0, "_DMI_")) return decodeLegacy(bytes);
  throw new SmbiosError("SMBIOS_ENTRY_POINT", "the SMBIOS entry point begins with neither _SM_ nor _SM3_ nor _DMI_");
}

function decodeLegacy(bytes: Uint8Array): EntryPoint {
  if (bytes.length < LEGACY_BYTES) throw impossibleLength(LEGACY_BYTES, bytes);
  checkSum(bytes, LEGACY_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const revision = view.getUint8(0x0e);
  return {
    version: { major: revision >> 4, minor: revision & 0x0f, revision: 0 },
    tableAddress: BigInt(view.getUint32(0x08, true)),
    tableBytes: view.getUint16(0x06, true),
    structureCount: view.getUint16(0x0c, true),
  };
}

function decode64Bit(bytes: Uint8Array): EntryPoint {
  checkSum(bytes, checkedLength(bytes, 0x06, BYTES_64_BIT));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    version: { major: view.getUint8(0x07), minor: view.getUint8(0x08), revision: view.getUint8(0x09) },
    tableAddress: view.getBigUint64(0x10, true),
    tableBytes: view.getUint32(0x0c, true),
    structureCount: undefined,
  };
}

function decode32Bit(bytes: Uint8Array): EntryPoint {
  checkSum(bytes, checkedLength(bytes, 0x05, BYTES_32_BIT));
  const end = INTERMEDIATE_OFFSET + INTERMEDIATE_BYTES;
  if (bytes.length < end || !hasAnchor(bytes, INTERMEDIATE_OFFSET, "_DMI_")) {
    throw new SmbiosError("SMBIOS_ENTRY_POINT", "the SMBIOS entry point has no _DMI_ part");
  }
  checkSum(bytes.subarray(INTERMEDIATE_OFFSET), INTERMEDIATE_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = view.getUint8(0x06);
  const minor = view.getUint8(0x07);
  return {
    version: { major, minor: MISSPELT_VERSIONS.get((major << 8) | minor) ?? minor, revision: 0 },
    tableAddress: BigInt(view.getUint32(0x18, true)),
    tableBytes: view.getUint16(0x16, true),
    structureCount: view.getUint16(0x1c, true),
  };
}

function hasAnchor(bytes: Uint8Array, offset: number, anchor: string): boolean {
  return Buffer.from(anchor).equals(bytes.subarray(offset, offset + anchor.length));
}

function checkedLength(bytes: Uint8Array, lengthOffset: number, minBytes: number): number {
  const lengthBytes = bytes[lengthOffset] ?? 0;
  if (lengthBytes < minBytes || lengthBytes > MAX_ENTRY_POINT_BYTES || lengthBytes > bytes.length) {
    throw impossibleLength(lengthBytes, bytes);
  }
  return lengthBytes;
}

function impossibleLength(announcedBytes: number, bytes: Uint8Array): SmbiosError {
  return new SmbiosError("SMBIOS_ENTRY_POINT", "the length of the SMBIOS entry point is impossible", {
    details: { announcedBytes, availableBytes: bytes.length },
  });
}

function checkSum(bytes: Uint8Array, lengthBytes: number): void {
  const sum = bytes.subarray(0, lengthBytes).reduce((total, byte) => (total + byte) & 0xff, 0);
  if (sum !== 0) throw new SmbiosError("SMBIOS_ENTRY_POINT", "the checksum of the SMBIOS entry point is wrong");
}
