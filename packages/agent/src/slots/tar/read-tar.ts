/** Reads a tar file as it comes: ustar, pax with extended attributes, and GNU's long names. */
import { byteReader, type ByteReader } from "./byte-reader.ts";
import { numberOf, readPaxRecords, textOf, timeOf, xattrsOf, type PaxRecords } from "./pax-records.ts";
import type { TarEntry, TarEntryKind } from "./tar-entry.ts";
import { BLOCK_BYTES, brokenLayer, readTarHeader, utf8, type TarHeader } from "./tar-header.ts";

export interface TarItem {
  readonly entry: TarEntry;
  /** Of a file, to be read before the next item is asked for; what is left is passed over. */
  readonly content: AsyncIterable<Buffer>;
}

const EXTENSION_MAX_BYTES = 1024 * 1024;
/** PATH_MAX */
const PATH_MAX_BYTES = 4096;
const NAME_MAX_BYTES = 255;
/** The one above means nobody. Source: chown(2) */
const OWNER_MAX = 2 ** 32 - 2;
/** An operating system has some hundred thousand files. */
const ENTRIES_MAX = 4_000_000;

const KINDS: Readonly<Record<string, TarEntryKind>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "folder",
  "6": "fifo",
};

/** @throws SlotError SLOT_LAYER_BROKEN */
export async function* readTar(stream: AsyncIterable<Buffer>): AsyncGenerator<TarItem> {
  const reader = byteReader(stream);
  let records: PaxRecords = new Map();
  let longName: string | undefined;
  let longLink: string | undefined;
  for (let entries = 0; ;) {
    const header = await nextHeader(reader);
    if (header === undefined) return;
    if (header.type === "x") records = readPaxRecords(await extension(reader, header));
    else if (header.type === "g") await extension(reader, header);
    else if (header.type === "L") longName = cString(await extension(reader, header));
    else if (header.type === "K") longLink = cString(await extension(reader, header));
    else {
      if (++entries > ENTRIES_MAX) throw brokenLayer(`the layer has more than ${ENTRIES_MAX} entries`);
      const entry = entryOf(header, records, longName, longLink);
      let left = entry.sizeBytes;
      const content = reader.pass(entry.sizeBytes);
      yield {
        entry,
        content: counted(content, (bytes) => {
          left -= bytes;
        }),
      };
      for await (const piece of reader.pass(left)) left -= piece.length;
      if (left > 0) throw brokenLayer("the layer breaks off in the midst of a file");
      await padding(reader, entry.sizeBytes);
      records = new Map();
      longName = undefined;
      longLink = undefined;
    }
  }
}

async function* counted(content: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of content) {
    count(piece.length);
    yield piece;
  }
}

/** @returns undefined at the end, which two blocks of zeros make; some writers forget them */
async function nextHeader(reader: ByteReader): Promise<TarHeader | undefined> {
  const block = await reader.read(BLOCK_BYTES);
  if (block.length === 0) return undefined;
  if (block.length < BLOCK_BYTES) throw brokenLayer("the layer breaks off");
  return readTarHeader(block);
}

async function extension(reader: ByteReader, { sizeBytes }: TarHeader): Promise<Buffer> {
  if (sizeBytes > EXTENSION_MAX_BYTES) throw brokenLayer("an extended header has more than 1 MiB");
  const bytes = Buffer.from(await reader.read(sizeBytes));
  if (bytes.length < sizeBytes) throw brokenLayer("the layer breaks off in an extended header");
  await padding(reader, sizeBytes);
  return bytes;
}

async function padding(reader: ByteReader, sizeBytes: number): Promise<void> {
  await reader.read((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return utf8(end === -1 ? bytes : bytes.subarray(0, end));
}

function entryOf(
  header: TarHeader,
  records: PaxRecords,
  longName: string | undefined,
  longLink: string | undefined,
): TarEntry {
  const name = textOf(records, "path") ?? longName ?? header.name;
  const link = textOf(records, "linkpath") ?? longLink ?? header.link;
  if (Buffer.byteLength(link) > PATH_MAX_BYTES) throw brokenLayer(`${shown(name)} leads to a path that is too long`);
  const kind = kindOf(header, records, name);
  const number = (key: string, told: number): number => numberOf(records, key) ?? told;
  const owner = (key: string, told: number): number => {
    const found = number(key, told);
    if (found > OWNER_MAX) throw brokenLayer(`${shown(name)} has a ${key} that is none`);
    return found;
  };
  const { mode, major, minor } = header;
  return {
    kind,
    path: tarPath(name),
    mode,
    uid: owner("uid", header.uid),
    gid: owner("gid", header.gid),
    // Links may carry the size of what they lead to, without its content.
    sizeBytes: kind === "file" ? number("size", header.sizeBytes) : 0,
    mtimeSeconds: timeOf(records, "mtime") ?? header.mtimeSeconds,
    link,
    major,
    minor,
    xattrs: xattrsOf(records),
  };
}

function kindOf({ type }: TarHeader, records: PaxRecords, name: string): TarEntryKind {
  if (type === "S" || [...records.keys()].some((key) => key.startsWith("GNU.sparse."))) {
    throw brokenLayer(`${shown(name)} is stored as a sparse file, which layers of images do not have`);
  }
  const kind = KINDS[type];
  if (kind === undefined) throw brokenLayer(`${shown(name)} is of an unknown kind`);
  return kind === "file" && name.endsWith("/") ? "folder" : kind;
}

/** @returns its components below the root. @throws SlotError SLOT_LAYER_BROKEN for one that leads out of it */
export function tarPath(name: string): readonly string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  const isTooLong =
    Buffer.byteLength(name) > PATH_MAX_BYTES || parts.some((part) => Buffer.byteLength(part) > NAME_MAX_BYTES);
  if (isTooLong || name.includes("\0")) throw brokenLayer(`${shown(name)} is no name of a file`);
  if (parts.includes("..")) throw brokenLayer(`${shown(name)} leads out of the image`);
  return parts;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
