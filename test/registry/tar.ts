/** Writes tar archives (POSIX ustar) byte for byte the same every time: an image's digest depends on its files only. */

export type TarEntry =
  | {
      readonly path: string;
      readonly content: string | Uint8Array;
      /** Default 0o644. */
      readonly mode?: number;
    }
  | { readonly path: string; readonly symlink: string }
  | { readonly path: string; readonly folder: true; readonly mode?: number };

const BLOCK_BYTES = 512;
const LONGEST_NAME_BYTES = 100;

/** @param entries  paths relative to the root, with or without a leading slash; folders above them are added */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of withFolders(entries)) {
    const content = "content" in entry ? Buffer.from(entry.content) : Buffer.alloc(0);
    blocks.push(header(entry, content.length), content, Buffer.alloc(-content.length & (BLOCK_BYTES - 1)));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    const path = entry.path.replace(/^\/+/, "").replace(/\/+$/, "");
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join("/");
      if (!all.has(folder)) all.set(folder, { path: folder, folder: true });
    }
    all.set(path, { ...entry, path });
  }
  return [...all.values()];
}

function header(entry: TarEntry, contentBytes: number): Buffer {
  const isFolder = "folder" in entry;
  const name = isFolder ? `${entry.path}/` : entry.path;
  const target = "symlink" in entry ? entry.symlink : "";
  for (const text of [name, target]) {
    if (Buffer.byteLength(text) > LONGEST_NAME_BYTES) throw new Error(`too long for a ustar header: ${text}`);
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0);
  block.write(octal(mode(entry), 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(contentBytes, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(" ".repeat(8), 148);
  block.write(typeFlag(entry), 156);
  block.write(target, 157);
  block.write("ustar\x0000", 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function mode(entry: TarEntry): number {
  if ("symlink" in entry) return 0o777;
  return entry.mode ?? ("folder" in entry ? 0o755 : 0o644);
}

function typeFlag(entry: TarEntry): string {
  if ("symlink" in entry) return "2";
  return "folder" in entry ? "5" : "0";
}

function octal(value: number, bytes: number): string {
  return `${value.toString(8).padStart(bytes - 1, "0")}\0`;
}
