/** Writes SMBIOS tables as firmware does, for tests: DMTF DSP0134 5.2 (entry points) and 6.1 (structures). */

export interface StructureBytes {
  readonly type: number;
  readonly handle: number;
  /** The formatted area behind the 4-byte header. */
  readonly body?: Uint8Array;
  /** One byte a character (Latin-1); an empty string cannot be written. */
  readonly strings?: readonly string[];
  /** The length that the header announces; by default the true one. */
  readonly announcedBytes?: number;
}

type Version = readonly [major: number, minor: number];

export const END_OF_TABLE: StructureBytes = { type: 127, handle: 0xfeff };

export function writeStructure(structure: StructureBytes): Buffer {
  const { type, handle, body = new Uint8Array(), strings = [] } = structure;
  const header = Buffer.from([type, structure.announcedBytes ?? 4 + body.length, handle & 0xff, handle >> 8]);
  const texts = strings.length === 0 ? "\0" : strings.map((text) => `${text}\0`).join("");
  return Buffer.concat([header, body, Buffer.from(`${texts}\0`, "latin1")]);
}

export function writeTable(structures: readonly StructureBytes[]): Buffer {
  return Buffer.concat(structures.map((structure) => writeStructure(structure)));
}

/** A System Information structure of SMBIOS 2.4 and later: 27 bytes. */
export function systemInformation(handle: number, strings: readonly string[]): StructureBytes {
  const numbers = strings.map((_, index) => index + 1);
  const body = Buffer.alloc(23);
  body.set(numbers.slice(0, 4));
  body.set(numbers.slice(4, 6), 21);
  return { type: 1, handle, body, strings };
}

/** The entry point of SMBIOS 3.x ("_SM3_"), 24 bytes. */
export function writeEntryPoint3(tableBytes: number, [major, minor]: Version = [3, 5]): Buffer {
  const entryPoint = Buffer.alloc(24);
  entryPoint.write("_SM3_");
  entryPoint.set([24, major, minor, 0, 1], 6);
  entryPoint.writeUInt32LE(tableBytes, 12);
  entryPoint.writeBigUInt64LE(32n, 16);
  entryPoint[5] = complement(entryPoint);
  return entryPoint;
}

/** The entry point of SMBIOS 2.x ("_SM_"), 31 bytes; it counts the structures. */
export function writeEntryPoint2(tableBytes: number, count: number, [major, minor]: Version = [2, 8]): Buffer {
  const entryPoint = Buffer.alloc(31);
  entryPoint.write("_SM_");
  entryPoint.set([31, major, minor], 5);
  entryPoint.write("_DMI_", 16);
  entryPoint.writeUInt16LE(tableBytes, 22);
  entryPoint.writeUInt32LE(32, 24);
  entryPoint.writeUInt16LE(count, 28);
  entryPoint[21] = complement(entryPoint.subarray(16));
  entryPoint[4] = complement(entryPoint);
  return entryPoint;
}

/** The entry point of before SMBIOS 2.1 ("_DMI_"), 15 bytes, whose version is BCD; Linux hands it out as it is. */
export function writeEntryPointLegacy(tableBytes: number, count: number, [major, minor]: Version = [2, 0]): Buffer {
  const entryPoint = Buffer.alloc(15);
  entryPoint.write("_DMI_");
  entryPoint.writeUInt16LE(tableBytes, 6);
  entryPoint.writeUInt32LE(32, 8);
  entryPoint.writeUInt16LE(count, 12);
  entryPoint[14] = (major << 4) | minor;
  entryPoint[5] = complement(entryPoint);
  return entryPoint;
}

/** What makes the sum of all bytes zero. */
export function complement(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}
