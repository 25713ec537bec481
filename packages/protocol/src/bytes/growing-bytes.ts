/** What comes in pieces, in one buffer that is copied into: a piece of one byte that is kept takes two hundred. */

/** Of memory, at first: it grows from there to twice as much again and again. */
const FIRST_BYTES = 1024;

export interface GrowingBytes {
  /** Of memory. */
  readonly heldBytes: number;
  /** @returns false where not all of it fits any more: its beginning is taken */
  append(piece: Uint8Array): boolean;
  /** All until now; what is appended later does not change them. */
  bytes(): Buffer;
}

export function createGrowingBytes(maxBytes: number): GrowingBytes {
  let buffer = Buffer.alloc(0);
  let size = 0;
  return {
    get heldBytes() {
      return buffer.length;
    },
    append(piece) {
      const needed = Math.min(maxBytes, size + piece.length);
      const fits = needed === size + piece.length;
      if (needed > buffer.length) {
        // Not of Node's pool: what is small would hold all of that.
        const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(needed, 2 * buffer.length, FIRST_BYTES)));
        buffer.copy(larger, 0, 0, size);
        buffer = larger;
      }
      buffer.set(fits ? piece : piece.subarray(0, needed - size), size);
      size = needed;
      return fits;
    },
    bytes: () => buffer.subarray(0, size),
  };
}
