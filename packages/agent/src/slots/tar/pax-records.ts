/** What an extended header says of the entry behind it. Source: POSIX.1-2024 pax, "pax Extended Header"; star(5) for extended attributes */
import { brokenLayer, utf8 } from "./tar-header.ts";

export type PaxRecords = ReadonlyMap<string, Buffer>;

const XATTR = "SCHILY.xattr.";

/** @throws SlotError SLOT_LAYER_BROKEN */
export function readPaxRecords(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at);
    const digits = blank === -1 ? "" : bytes.toString("latin1", at, blank);
    const length = /^\d{1,9}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = bytes.indexOf(0x3d, blank);
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a || equals === -1 || equals >= end) {
      throw brokenLayer("an extended header is none");
    }
    records.set(utf8(bytes.subarray(blank + 1, equals)), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

export function xattrsOf(records: PaxRecords): ReadonlyMap<string, Buffer> {
  const found = [...records].filter(([key]) => key.startsWith(XATTR));
  return new Map(found.map(([key, value]) => [key.slice(XATTR.length), Buffer.from(value)]));
}

/** A part of a byte would never be read to its end. @returns undefined where there is no such record. @throws SlotError SLOT_LAYER_BROKEN */
export function numberOf(records: PaxRecords, key: string): number | undefined {
  return decimalOf(records, key, /^-?\d{1,16}$/);
}

/** Seconds since 1970, with a fraction; 0 for what was before. @returns undefined where there is no such record. @throws SlotError SLOT_LAYER_BROKEN */
export function timeOf(records: PaxRecords, key: string): number | undefined {
  return decimalOf(records, key, /^-?\d{1,16}(\.\d*)?$/);
}

function decimalOf(records: PaxRecords, key: string, form: RegExp): number | undefined {
  const value = records.get(key)?.toString("latin1");
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!form.test(value) || number > Number.MAX_SAFE_INTEGER) {
    throw brokenLayer(`an extended header's ${key} is no number`);
  }
  return Math.max(0, number);
}

export function textOf(records: PaxRecords, key: string): string | undefined {
  const value = records.get(key);
  return value === undefined ? undefined : utf8(value);
}
