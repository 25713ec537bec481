/**
 * A tar archive that is the same for the same entries: owned by root, without times.
 * Source: POSIX pax, "ustar Interchange Format"
 */

export interface TarEntry {
  /** Relative, without ./ at the beginning. At most 100 bytes. */
  readonly path: string;
  readonly mode: number;
  /** Undefined: a folder. */
  readonly content: Uint8Array | undefined;
}

const BLOCK_BYTES = 512;
const MAX_NAME_BYTES = 100;

/** Entries in the order of their paths, folders before what is in them. @throws Error  a path that is too long */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  const ordered = [...entries].sort((one, other) => (one.path < other.path ? -1 : 1));
  const blocks = ordered.flatMap((entry) => {
    const content = entry.content ?? new Uint8Array();
    return [header(entry, content.length), content, Buffer.alloc(-content.length & (BLOCK_BYTES - 1))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

/** With the folders that lead to them. */
export function withFolders(files: readonly TarEntry[]): readonly TarEntry[] {
  const folders = new Set(
    files.flatMap(({ path }) =>
      path
        .split("/")
        .slice(0, -1)
        .map((_, index, parts) => parts.slice(0, index + 1).join("/")),
    ),
  );
  return [...[...folders].map((path) => ({ path, mode: 0o755, content: undefined })), ...files];
}

function header({ path, mode, content }: TarEntry, bytes: number): Buffer {
  const name = content === undefined ? `${path}/` : path;
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw new Error(`too long a name for a tar archive: ${path}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  };
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(0, 136, 12);
  block.write(content === undefined ? "5" : "0", 156);
  block.write("ustar\x0000", 257, "latin1");
  // The checksum counts itself as blanks.
  block.fill(" ", 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}
