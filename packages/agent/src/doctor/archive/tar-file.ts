/** Makes a tar archive of small files in memory. Source: POSIX.1-2017, pax, "ustar Interchange Format" */

export interface ArchiveFile {
  /** Relative, at most 100 bytes of ASCII. */
  readonly path: string;
  readonly content: Buffer;
}

const BLOCK = 512;

/** @param mtimeSeconds  of all files */
export function makeTar(files: readonly ArchiveFile[], mtimeSeconds: number): Buffer {
  const blocks = files.flatMap(({ path, content }) => {
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [header(path, content.length, mtimeSeconds), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header(path: string, sizeBytes: number, mtimeSeconds: number): Buffer {
  if (!/^[\x21-\x7e]{1,100}$/.test(path))
    throw new RangeError(`${JSON.stringify(path)} is no name for a file in an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  };
  block.write(path, 0, "latin1");
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(mtimeSeconds, 136, 12);
  block.write("        ", 148, "latin1");
  block.write("0ustar\u000000", 156, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
