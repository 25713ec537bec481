/** Reads one structure's fields by the offsets of the specification, little-endian. */

import type { Structure } from "./structures.ts";

export class Fields {
  readonly #view: DataView;
  readonly #strings: readonly string[];

  constructor(structure: Structure) {
    const { formatted } = structure;
    this.#view = new DataView(formatted.buffer, formatted.byteOffset, formatted.byteLength);
    this.#strings = structure.strings;
  }

  /** Bytes of the formatted area, header included: which version of the structure this is. */
  get lengthBytes(): number {
    return this.#view.byteLength;
  }

  u8(offset: number): number {
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }

  i16(offset: number): number {
    return this.#view.getInt16(offset, true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  bytes(offset: number, count: number): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + offset, count);
  }

  /** The string whose number is at the offset, in dmidecode's words where there is none. */
  string(offset: number): string {
    return this.stringNumber(this.u8(offset));
  }

  stringNumber(number: number): string {
    return number === 0 ? "Not Specified" : (this.#strings[number - 1] ?? "<BAD INDEX>");
  }
}
