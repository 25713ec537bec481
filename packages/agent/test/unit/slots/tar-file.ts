/** Tar files byte by byte, also such as no writer makes. */

export interface Entry {
  readonly name: string;
  readonly type?: string;
  readonly content?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly major?: number;
  readonly minor?: number;
}

export function entry(
  { name, type = "0", content = "", link = "", mode = 0o644, uid = 0, gid = 0, major = 0, minor = 0 }: Entry,
  encoding: "utf8" | "latin1" = "utf8",
): Buffer {
  const body = Buffer.from(content);
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, bytes: number): number =>
    block.write(`${value.toString(8).padStart(bytes - 1, "0")}\0`, at, "latin1");
  block.write(name, 0, encoding);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(body.length, 124, 12);
  octal(1_700_000_000, 136, 12);
  block.write(type, 156, "latin1");
  block.write(link, 157);
  block.write("ustar\u000000", 257, "latin1");
  octal(major, 329, 8);
  octal(minor, 337, 8);
  block.fill(" ", 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Buffer.concat([block, body, Buffer.alloc(-body.length & 511)]);
}

export function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body) + 1;
  while (Buffer.byteLength(`${length}${body}`) !== length) length++;
  return `${length}${body}`;
}

export function tarFile(entries: readonly Buffer[]): Buffer {
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}
