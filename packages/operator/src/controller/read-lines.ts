/** Cuts a stream of bytes into lines: a watch is one JSON object a line, and a line may come in many pieces. */

const NEWLINE = 0x0a;

/**
 * @param bytes     the stream, in pieces of any size
 * @param maxBytes  of one line
 * @returns         lines of UTF-8 without their end, empty ones left out; what follows the last newline is no line
 * @throws RangeError where a line is longer, and what the stream throws
 */
export async function* readLines(bytes: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let pieceBytes = 0;
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const last = chunk.subarray(start, end);
      const line = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
      pieces = [];
      pieceBytes = 0;
      start = end + 1;
      if (line.length > 0) yield line.toString();
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
    pieceBytes += chunk.length - start;
    if (pieceBytes > maxBytes) throw new RangeError(`a line of more than ${maxBytes} bytes`);
  }
}
