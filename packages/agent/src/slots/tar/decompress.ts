/** Layers are plain tar files, or compressed by gzip or zstd: their first bytes tell, whatever the media type says. */
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

import { brokenLayer } from "./tar-header.ts";

/** The longest of the marks at the beginning. */
const TELLING_BYTES = 4;

/**
 * Reads the stream to its end also where the archive ends before it: only then its digest is known to be right.
 * @throws SlotError SLOT_LAYER_BROKEN; what the stream throws, as it is
 */
export async function* decompress(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const pieces = stream[Symbol.asyncIterator]();
  let failure: Error | undefined;
  const all = async function* (): AsyncGenerator<Buffer> {
    try {
      for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    }
  };
  try {
    const first = await firstOf(pieces);
    if (first.length === 0) return;
    const decoder = decoderFor(first);
    if (decoder === undefined) {
      yield first;
      yield* all();
      return;
    }
    const source = Readable.from(withFirst(first, all()));
    source.on("error", (error) => decoder.destroy(error));
    source.pipe(decoder);
    try {
      for await (const piece of decoder) yield Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
    } catch (cause) {
      throw brokenLayer("the layer cannot be decompressed", cause);
    } finally {
      source.unpipe();
      decoder.destroy();
    }
    for (let next = await pieces.next(); next.done !== true;) next = await pieces.next();
    if (failure !== undefined) throw failure;
  } catch (error) {
    throw failure ?? error;
  } finally {
    await pieces.return?.();
  }
}

/** As much as tells what it is: a connection that breaks at once, and goes on with another one, gives less. */
async function firstOf(pieces: AsyncIterator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  while (first.length < TELLING_BYTES) {
    const next = await pieces.next();
    if (next.done === true) return first;
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
  }
  return first;
}

async function* withFirst(first: Buffer, others: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* others;
}

function decoderFor(
  bytes: Buffer,
): ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress> | undefined {
  const chunkSize = 256 * 1024;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return createGunzip({ chunkSize });
  return isZstd(bytes) ? createZstdDecompress({ chunkSize }) : undefined;
}

/** Its frames, or one to be skipped, with which pzstd begins. Source: RFC 8878, 3.1.1 and 3.1.2 */
function isZstd(bytes: Buffer): boolean {
  if (bytes.length < TELLING_BYTES) return false;
  const magic = bytes.readUInt32LE(0);
  return magic === 0xfd2fb528 || magic >>> 4 === 0x184d2a5;
}
