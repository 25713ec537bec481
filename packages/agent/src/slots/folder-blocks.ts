/** How many blocks a folder takes on ext4 for the names in it. Source: Linux, Documentation/filesystems/ext4/directory.rst */

/** Inode, lengths and kind stand before each name, and entries begin at multiples of four. */
const ENTRY_HEAD_BYTES = 8;
const ALIGNMENT = 4;
/** `.` and `..` */
const DOTS_BYTES = 24;
/** A checksum at the end of each block. */
const TAIL_BYTES = 12;
/** In an index, of a block of names. */
const INDEX_ENTRY_BYTES = 8;

export function entryBytes(name: string): number {
  return Math.ceil((ENTRY_HEAD_BYTES + Buffer.byteLength(name)) / ALIGNMENT) * ALIGNMENT;
}

/**
 * At most: blocks of names are divided when they are full, and may be half empty then.
 * @param namesBytes  of all entries but the folder's own two
 */
export function folderBlocks(namesBytes: number, blockBytes: number): number {
  const usable = blockBytes - TAIL_BYTES;
  if (namesBytes + DOTS_BYTES <= usable) return 1;
  const leaves = Math.ceil((2 * namesBytes) / usable) + 1;
  return leaves + 1 + Math.floor((leaves * INDEX_ENTRY_BYTES) / (usable / 2));
}
