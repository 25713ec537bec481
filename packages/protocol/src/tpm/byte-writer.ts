/** Writes big-endian TPM structures; refuses values that do not fit instead of cutting them. */
import { TpmFormatError } from "./errors.ts";

export class ByteWriter {
  readonly #chunks: Buffer[] = [];
  readonly #structure: string;
  #lengthBytes = 0;

  /** @param structure  the TCG name of what is written, for errors */
  constructor(structure: string) {
    this.#structure = structure;
  }

  writeUint8(value: number, field: string): this {
    return this.#writeUnsigned(value, 1, field);
  }

  writeUint16(value: number, field: string): this {
    return this.#writeUnsigned(value, 2, field);
  }

  writeUint32(value: number, field: string): this {
    return this.#writeUnsigned(value, 4, field);
  }

  writeUint64(value: bigint, field: string): this {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
      throw this.#doesNotFit(field, "a 64-bit number");
    }
    const chunk = Buffer.alloc(8);
    chunk.writeBigUInt64BE(value);
    return this.writeBytes(chunk);
  }

  writeBytes(bytes: Uint8Array): this {
    this.#chunks.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#lengthBytes += bytes.byteLength;
    return this;
  }

  /** Writes a TPM2B: a two-byte size, then the bytes. */
  writeSized(bytes: Uint8Array, field: string): this {
    return this.writeUint16(bytes.byteLength, field).writeBytes(bytes);
  }

  /** @returns a fresh buffer with everything written so far */
  finish(): Buffer {
    return Buffer.concat(this.#chunks, this.#lengthBytes);
  }

  #writeUnsigned(value: number, sizeBytes: 1 | 2 | 4, field: string): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * sizeBytes)) {
      throw this.#doesNotFit(field, `${String(8 * sizeBytes)} bits`);
    }
    const chunk = Buffer.alloc(sizeBytes);
    chunk.writeUIntBE(value, 0, sizeBytes);
    return this.writeBytes(chunk);
  }

  #doesNotFit(field: string, room: string): TpmFormatError {
    const details = { structure: this.#structure, field, offsetBytes: this.#lengthBytes };
    return new TpmFormatError("TPM_FORMAT_UNENCODABLE", `${this.#structure}.${field} does not fit into ${room}`, {
      details,
    });
  }
}

/** Puts a two-byte size in front of the bytes, as in TPM2B_PUBLIC. */
export function wrapTpm2b(bytes: Uint8Array, structure: string): Buffer {
  return new ByteWriter(structure).writeSized(bytes, "size").finish();
}
