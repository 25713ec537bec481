/** A walk over definite-length DER, just enough for SubjectPublicKeyInfo and the front of a certificate. */
import { TpmFormatError } from "./errors.ts";
import type { TpmFormatErrorCode } from "./errors.ts";

/** Identifier octets, X.690 section 8.1.2. */
export const DER_TAG = {
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OBJECT_IDENTIFIER: 0x06,
  SEQUENCE: 0x30,
  CONTEXT_0: 0xa0,
} as const;

export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** tag, length and content */
  readonly whole: Buffer;
}

/** Reads the elements of one sequence from first to last; lengths never reach beyond the bytes that it was given. */
export class DerReader {
  readonly #bytes: Buffer;
  readonly #code: TpmFormatErrorCode;
  readonly #what: string;
  #offset = 0;

  /**
   * @param code  the error code of whoever asks, because a broken key and a broken certificate are mended differently
   * @param what  what the bytes claim to be, for errors
   */
  constructor(bytes: Uint8Array, code: TpmFormatErrorCode, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#code = code;
    this.#what = what;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The tag of the next element without reading it, or `undefined` at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /** @throws TpmFormatError unless an element with this tag comes next */
  read(tag: number, field: string): DerElement {
    const start = this.#offset;
    if (this.#byteAt(start, field) !== tag) {
      throw this.failure(field, `does not have the tag 0x${tag.toString(16)}`);
    }
    const { lengthBytes, contentStart } = this.#readLength(start + 1, field);
    const end = contentStart + lengthBytes;
    if (end > this.#bytes.length) {
      throw this.failure(field, "is longer than the bytes that hold it");
    }
    this.#offset = end;
    return { tag, content: this.#bytes.subarray(contentStart, end), whole: this.#bytes.subarray(start, end) };
  }

  /** Reads an element and returns a reader of its content. */
  enter(tag: number, field: string): DerReader {
    return new DerReader(this.read(tag, field).content, this.#code, `${this.#what}.${field}`);
  }

  /** What was not read yet, as it stands; nothing comes after it. */
  rest(): Buffer {
    const rest = this.#bytes.subarray(this.#offset);
    this.#offset = this.#bytes.length;
    return rest;
  }

  finish(): void {
    if (this.remainingBytes > 0) {
      throw this.failure("end", `is followed by ${String(this.remainingBytes)} bytes`);
    }
  }

  failure(field: string, problem: string): TpmFormatError {
    return new TpmFormatError(this.#code, `${this.#what}.${field} ${problem} (at byte ${String(this.#offset)})`, {
      details: { structure: this.#what, field, offsetBytes: this.#offset },
    });
  }

  #byteAt(offset: number, field: string): number {
    const byte = this.#bytes[offset];
    if (byte === undefined) {
      throw this.failure(field, "is missing");
    }
    return byte;
  }

  /** Lengths written longer than needed are let through: certificates of some TPM makers have them. */
  #readLength(offset: number, field: string): { lengthBytes: number; contentStart: number } {
    const first = this.#byteAt(offset, field);
    if (first < 0x80) {
      return { lengthBytes: first, contentStart: offset + 1 };
    }
    const size = first & 0x7f;
    if (size === 0 || size > 4) {
      throw this.failure(field, "has an indefinite length or one of more than four bytes");
    }
    let lengthBytes = 0;
    for (let index = 1; index <= size; index += 1) {
      lengthBytes = lengthBytes * 256 + this.#byteAt(offset + index, field);
    }
    return { lengthBytes, contentStart: offset + 1 + size };
  }
}

/** @returns one element with the shortest length encoding */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) {
    return Buffer.concat([Buffer.from([tag, content.length]), content]);
  }
  const digits = content.length.toString(16);
  const length = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

/** @param magnitude  big-endian, unsigned, with or without leading zeros */
export function encodeDerInteger(magnitude: Uint8Array): Buffer {
  const digits = trimLeadingZeros(magnitude);
  const first = digits[0] ?? 0x80;
  return encodeDer(DER_TAG.INTEGER, first >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), digits);
}

/** A view of the bytes from the first that is not zero. */
export function trimLeadingZeros(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const start = first === -1 ? bytes.byteLength : first;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
}
