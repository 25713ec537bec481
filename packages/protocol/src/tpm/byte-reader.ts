/** Reads big-endian TPM structures from the front to the end; every failure names the structure, field and offset. */
import { TpmFormatError } from "./errors.ts";
import type { TpmFormatErrorCode } from "./errors.ts";

/** Smallest and largest number of bytes that a sized buffer may hold. */
export interface SizeBounds {
  readonly minBytes?: number;
  readonly maxBytes: number;
}

export class ByteReader {
  readonly #bytes: Buffer;
  readonly #structure: string;
  #offset = 0;

  /**
   * @param bytes      the whole structure; not copied, so it must not change while the result is in use
   * @param structure  its TCG name, for errors
   */
  constructor(bytes: Uint8Array, structure: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#structure = structure;
  }

  /** Bytes from the start of the structure to the next field. */
  get offsetBytes(): number {
    return this.#offset;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#offset;
  }

  readUint8(field: string): number {
    return this.#bytes.readUInt8(this.#advance(1, field));
  }

  readUint16(field: string): number {
    return this.#bytes.readUInt16BE(this.#advance(2, field));
  }

  readUint32(field: string): number {
    return this.#bytes.readUInt32BE(this.#advance(4, field));
  }

  readUint64(field: string): bigint {
    return this.#bytes.readBigUInt64BE(this.#advance(8, field));
  }

  /** @returns a view of the next `lengthBytes` bytes */
  readBytes(lengthBytes: number, field: string): Buffer {
    const start = this.#advance(lengthBytes, field);
    return this.#bytes.subarray(start, start + lengthBytes);
  }

  /** Reads a TPM2B: a two-byte size, then that many bytes. */
  readSized(bounds: SizeBounds, field: string): Buffer {
    const lengthBytes = this.readUint16(field);
    if (lengthBytes > bounds.maxBytes || lengthBytes < (bounds.minBytes ?? 0)) {
      const allowed = `${String(bounds.minBytes ?? 0)} to ${String(bounds.maxBytes)}`;
      throw this.failure("TPM_FORMAT_LENGTH", field, `has ${String(lengthBytes)} bytes, allowed are ${allowed}`);
    }
    return this.readBytes(lengthBytes, field);
  }

  /** Must be called last: @throws TpmFormatError TPM_FORMAT_TRAILING_BYTES if anything is left */
  finish(): void {
    if (this.remainingBytes > 0) {
      throw this.failure("TPM_FORMAT_TRAILING_BYTES", "end", `is followed by ${String(this.remainingBytes)} bytes`);
    }
  }

  /** An error about `field` at the current position. */
  failure(code: TpmFormatErrorCode, field: string, problem: string): TpmFormatError {
    const place = `${this.#structure}.${field}`;
    return new TpmFormatError(code, `${place} ${problem} (at byte ${String(this.#offset)})`, {
      details: { structure: this.#structure, field, offsetBytes: this.#offset },
    });
  }

  #advance(lengthBytes: number, field: string): number {
    if (lengthBytes > this.remainingBytes) {
      const missing = `needs ${String(lengthBytes)} bytes, ${String(this.remainingBytes)} are left`;
      throw this.failure("TPM_FORMAT_TRUNCATED", field, missing);
    }
    const start = this.#offset;
    this.#offset += lengthBytes;
    return start;
  }
}

/**
 * Takes the two-byte size off a TPM2B that holds exactly one structure, as TPM2B_PUBLIC or TPM2B_ATTEST.
 * @param structure  TCG name, for errors
 * @throws TpmFormatError when the size does not match the bytes
 */
export function unwrapTpm2b(bytes: Uint8Array, structure: string): Buffer {
  const reader = new ByteReader(bytes, structure);
  const content = reader.readSized({ maxBytes: 0xffff }, "size");
  reader.finish();
  return content;
}
