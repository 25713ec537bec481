/** Cuts an SMBIOS table into its structures. */

import { SmbiosError } from "./errors.ts";

export interface Structure {
  /** DSP0134 structure type; from 128 on it belongs to the manufacturer. */
  readonly type: number;
  readonly handle: number;
  /** The formatted area with its 4-byte header: all offsets of the specification count from its start. */
  readonly formatted: Uint8Array;
  /** Strings by number minus one; whatever is not printable ASCII is a dot, as dmidecode prints it. */
  readonly strings: readonly string[];
}

export interface DecodeStructuresOptions {
  /**
   * How many structures the entry point announces (SMBIOS 2.x). They are all taken, also those after a premature end
   * marker; without it (3.x) the table ends at the marker, type 127.
   */
  readonly count?: number | undefined;
}

export interface SalvagedStructures {
  readonly structures: readonly Structure[];
  /** Why the table could not be read to its end; undefined for a sound one. */
  readonly fault: SmbiosError | undefined;
}

const HEADER_BYTES = 4;
const END_OF_TABLE = 127;
const MANAGEMENT_DEVICE = 34;
const MANAGEMENT_DEVICE_BYTES = 0x0b;
const MANAGEMENT_DEVICE_MISCOUNT = 0x10;

/**
 * The structures of a table, in its order, including the end marker.
 * @param table  bytes of /sys/firmware/dmi/tables/DMI
 * @throws SmbiosError  SMBIOS_TRUNCATED, SMBIOS_MALFORMED, both with `details.offset` in bytes
 * Source: DMTF DSP0134 6.1.2 (header) and 6.1.3 (strings)
 */
export function decodeStructures(table: Uint8Array, options: DecodeStructuresOptions = {}): readonly Structure[] {
  const { structures, fault } = salvageStructures(table, options);
  if (fault !== undefined) throw fault;
  return structures;
}

/** As `decodeStructures`, but a damaged table gives the structures before the damage, and the fault beside them. */
export function salvageStructures(table: Uint8Array, options: DecodeStructuresOptions = {}): SalvagedStructures {
  const { count } = options;
  const limit = count ?? Number.POSITIVE_INFINITY;
  const structures: Structure[] = [];
  let offset = 0;
  while (offset + HEADER_BYTES <= table.length && structures.length < limit) {
    const end = findEnd(table, offset);
    if (end instanceof SmbiosError) return { structures, fault: end };
    const structure = cutStructure(table, offset, end);
    structures.push(structure);
    offset = end;
    if (count === undefined && structure.type === END_OF_TABLE) break;
  }
  return { structures, fault: missingStructures(structures.length, count, offset) };
}

/** Offset behind the structure's two closing zeros. */
function findEnd(table: Uint8Array, start: number): number | SmbiosError {
  const formattedBytes = table[start + 1] ?? 0;
  if (formattedBytes < HEADER_BYTES) {
    return new SmbiosError("SMBIOS_MALFORMED", "a structure is shorter than its own header", {
      details: { offset: start, formattedBytes },
    });
  }
  for (let at = start + formattedBytes; at + 1 < table.length; at += 1) {
    if (table[at] === 0 && table[at + 1] === 0) return at + 2;
  }
  return new SmbiosError("SMBIOS_TRUNCATED", "the table ends in the middle of a structure", {
    details: { offset: start, tableBytes: table.length },
  });
}

function cutStructure(table: Uint8Array, start: number, end: number): Structure {
  const formattedEnd = start + formattedLength(table, start);
  return {
    type: table[start] ?? 0,
    handle: (table[start + 2] ?? 0) | ((table[start + 3] ?? 0) << 8),
    formatted: table.subarray(start, formattedEnd),
    strings: decodeStrings(table.subarray(formattedEnd, end)),
  };
}

/** Some firmware counts the start of the strings into the length of type 34; dmidecode corrects that too. */
function formattedLength(table: Uint8Array, start: number): number {
  const announced = table[start + 1] ?? 0;
  if (table[start] !== MANAGEMENT_DEVICE || announced !== MANAGEMENT_DEVICE_MISCOUNT) return announced;
  const behind = table.subarray(start + MANAGEMENT_DEVICE_BYTES, start + announced);
  return behind.every((byte) => byte >= 0x20 && byte < 0x7f) ? MANAGEMENT_DEVICE_BYTES : announced;
}

/** Strings end with a zero each, the set with one more; a structure without strings has just the two zeros. */
function decodeStrings(area: Uint8Array): readonly string[] {
  const text = Buffer.from(area.buffer, area.byteOffset, area.byteLength).toString("latin1");
  if (text.startsWith("\0")) return [];
  const closed = text.slice(0, -2);
  return closed.split("\0").map((string) => string.replaceAll(/[^ -~]/g, "."));
}

function missingStructures(found: number, count: number | undefined, offset: number): SmbiosError | undefined {
  if (count === undefined || found === count) return undefined;
  return new SmbiosError("SMBIOS_TRUNCATED", "the table holds fewer structures than the entry point announces", {
    details: { offset, announced: count, found },
  });
}
