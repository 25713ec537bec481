/** Takes a stream of pieces of any size in the sizes that are wanted. */

export interface ByteReader {
  /** @returns fewer at the end only */
  read(bytes: number): Promise<Buffer>;
  /** The next so many, as they come. */
  pass(bytes: number): AsyncGenerator<Buffer>;
}

export function byteReader(stream: AsyncIterable<Buffer>): ByteReader {
  const pieces = stream[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  async function fill(): Promise<boolean> {
    while (held.length === 0) {
      const next = await pieces.next();
      if (next.done === true) return false;
      held = next.value;
    }
    return true;
  }

  async function* pass(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0 && (await fill());) {
      const piece = held.subarray(0, left);
      held = held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  return {
    async read(bytes) {
      // Headers lie within one piece as a rule.
      if (held.length >= bytes) {
        const piece = held.subarray(0, bytes);
        held = held.subarray(bytes);
        return piece;
      }
      const parts: Buffer[] = [];
      for await (const part of pass(bytes)) parts.push(part);
      return Buffer.concat(parts);
    },
    pass,
  };
}
