/** The 512 bytes before each entry of a tar file. Source: POSIX.1-2024 pax, "ustar Interchange Format"; GNU tar, "Basic Tar Format" */
import { SlotError } from "../errors.ts";

export const BLOCK_BYTES = 512;

export interface TarHeader {
  readonly type: string;
  readonly name: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly major: number;
  readonly minor: number;
}

/** @returns undefined for a block of zeros, which ends the file. @throws SlotError SLOT_LAYER_BROKEN */
export function readTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (number(block, 148, 8) !== checksum(block)) throw brokenLayer("the checksum of an entry is wrong");
  const isUstar = block.toString("latin1", 257, 262) === "ustar";
  // GNU's own format has times where POSIX has the beginning of a long name.
  const isPosix = isUstar && block[262] === 0;
  const prefix = isPosix ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: prefix === "" ? name : `${prefix}/${name}`,
    link: text(block, 157, 100),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    sizeBytes: number(block, 124, 12),
    mtimeSeconds: number(block, 136, 12),
    major: isUstar ? number(block, 329, 8) : 0,
    minor: isUstar ? number(block, 337, 8) : 0,
  };
}

export function brokenLayer(message: string, cause?: unknown): SlotError {
  return new SlotError("SLOT_LAYER_BROKEN", message, cause === undefined ? {} : { cause });
}

/** @throws SlotError SLOT_LAYER_BROKEN for a name that is not UTF-8 */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw brokenLayer("a name is not UTF-8", cause);
  }
}

function text(block: Buffer, from: number, bytes: number): string {
  const field = block.subarray(from, from + bytes);
  const end = field.indexOf(0);
  return utf8(end === -1 ? field : field.subarray(0, end));
}

/** Octal digits, or GNU's base 256 with the highest bit set. */
function number(block: Buffer, from: number, bytes: number): number {
  const field = block.subarray(from, from + bytes);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    // Negative ones (times before 1970) count as none.
    if (((field[0] ?? 0) & 0x40) !== 0) return 0;
    const value = BigInt(`0x${field.toString("hex")}`) & ((1n << BigInt(bytes * 8 - 1)) - 1n);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw brokenLayer("a number of an entry is too large");
    return Number(value);
  }
  const digits = field.toString("latin1").replaceAll(/[\0 ]+$|^[\0 ]+/g, "");
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw brokenLayer("a number of an entry is none");
  return Number.parseInt(digits, 8);
}

/** All bytes, with its own field as blanks. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    if (at < 148 || at >= 156) sum += block[at] ?? 0;
  }
  return sum;
}
