/** Layers are plain tar files, or compressed by gzip or zstd: their first bytes tell, whatever the media type says. */
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

import { brokenLayer } from "./tar-header.ts";

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
    const first = await pieces.next();
    if (first.done === true) return;
    const decoder = decoderFor(first.value);
    if (decoder === undefined) {
      yield first.value;
      yield* all();
      return;
    }
    const source = Readable.from(withFirst(first.value, all()));
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

async function* withFirst(first: Buffer, others: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* others;
}

function decoderFor(
  bytes: Buffer,
): ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress> | undefined {
  const chunkSize = 256 * 1024;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return createGunzip({ chunkSize });
  if (bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress({ chunkSize });
  return undefined;
}
