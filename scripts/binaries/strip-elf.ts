/**
 * Takes out of a 64-bit little-endian ELF file what no loader reads: symbols for debuggers, compilers' remarks. A fifth of Node.
 * The same on every machine and for every processor, where binutils' strip differs by version and knows its own only.
 * Source: System V gABI, chapters "ELF Header" and "Sections"
 */

const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;
const SHT_NOBITS = 8;
const SHF_ALLOC = 0x2;
const SHF_INFO_LINK = 0x40;
const PROGRAM_HEADER_BYTES = 56;

/** Where the fields are: in the file's header, in a section's, in a segment's. */
const E = { shoff: 0x28, phoff: 0x20, phentsize: 0x36, phnum: 0x38, shentsize: 0x3a, shnum: 0x3c, shstrndx: 0x3e };
const SH = { type: 4, flags: 8, offset: 24, size: 32, link: 40, info: 44 };
const P = { offset: 8, filesz: 32 };

/**
 * @returns a new file with the sections that are loaded, and their names
 * @throws Error  no such file, or one whose headers lie outside of it
 */
export function stripElf(file: Buffer): Buffer {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error("this is no 64-bit little-endian ELF file");
  const sections = sectionHeaders(file);
  const namesIndex = file.readUInt16LE(E.shstrndx);
  const isKept = (header: Buffer, index: number): boolean =>
    index === 0 || index === namesIndex || (header.readBigUInt64LE(SH.flags) & BigInt(SHF_ALLOC)) !== 0n;
  const kept = sections.flatMap((header, index) => (isKept(header, index) ? [index] : []));
  const newIndex = new Map(kept.map((old, index) => [old, index]));
  const names = sections[namesIndex];
  if (names === undefined) throw new Error("the sections of this ELF file have no names");
  const namesAt = number(names, SH.offset);
  const nameTable = file.subarray(namesAt, namesAt + number(names, SH.size));

  const loadedBytes = endOfLoaded(
    file,
    sections.filter((header, index) => index !== namesIndex && isKept(header, index)),
  );
  const headersAt = Math.ceil((loadedBytes + nameTable.length) / 8) * 8;
  const stripped = Buffer.alloc(headersAt + kept.length * SECTION_HEADER_BYTES);
  file.copy(stripped, 0, 0, loadedBytes);
  nameTable.copy(stripped, loadedBytes);
  for (const [index, old] of kept.entries()) {
    const header = Buffer.from(sections[old] ?? []);
    header.writeUInt32LE(newIndex.get(header.readUInt32LE(SH.link)) ?? 0, SH.link);
    const hasIndexAsInfo = (header.readBigUInt64LE(SH.flags) & BigInt(SHF_INFO_LINK)) !== 0n;
    if (hasIndexAsInfo) header.writeUInt32LE(newIndex.get(header.readUInt32LE(SH.info)) ?? 0, SH.info);
    if (old === namesIndex) header.writeBigUInt64LE(BigInt(loadedBytes), SH.offset);
    header.copy(stripped, headersAt + index * SECTION_HEADER_BYTES);
  }
  stripped.writeBigUInt64LE(BigInt(headersAt), E.shoff);
  stripped.writeUInt16LE(kept.length, E.shnum);
  stripped.writeUInt16LE(newIndex.get(namesIndex) ?? 0, E.shstrndx);
  return stripped;
}

function sectionHeaders(file: Buffer): readonly Buffer[] {
  const at = number(file, E.shoff);
  const count = file.readUInt16LE(E.shnum);
  const ends = at + count * SECTION_HEADER_BYTES;
  if (count === 0 || file.readUInt16LE(E.shentsize) !== SECTION_HEADER_BYTES || ends > file.length) {
    throw new Error("this ELF file has no section headers, or has them elsewhere than it says");
  }
  return Array.from({ length: count }, (_, index) =>
    file.subarray(at + index * SECTION_HEADER_BYTES, at + (index + 1) * SECTION_HEADER_BYTES),
  );
}

/** Of all that a loader or a section that stays needs. */
function endOfLoaded(file: Buffer, kept: readonly Buffer[]): number {
  const segmentsAt = number(file, E.phoff);
  const count = file.readUInt16LE(E.phnum);
  if (count > 0 && file.readUInt16LE(E.phentsize) !== PROGRAM_HEADER_BYTES) throw new Error("unknown program headers");
  const segments = Array.from({ length: count }, (_, index) => {
    const header = file.subarray(segmentsAt + index * PROGRAM_HEADER_BYTES);
    return number(header, P.offset) + number(header, P.filesz);
  });
  const sections = kept.map((header) =>
    header.readUInt32LE(SH.type) === SHT_NOBITS ? 0 : number(header, SH.offset) + number(header, SH.size),
  );
  const end = Math.max(HEADER_BYTES, segmentsAt + count * PROGRAM_HEADER_BYTES, ...segments, ...sections);
  if (end > file.length) throw new Error("a part of this ELF file lies outside of it");
  return end;
}

function number(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
