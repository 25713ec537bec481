/** Small files that somebody names, who may as well have named a device, or a pipe that nobody writes to. */
import { constants, openSync } from "node:fs";
import { open } from "node:fs/promises";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const CHUNK_BYTES = 64 * 1024;
const TIMEOUT_MS = 30_000;

/**
 * Of a pipe, such as a shell makes for `<(COMMAND)`, all that is written to it.
 * @param signal  of somebody who waits no longer
 * @throws what the file system says; RangeError where there is more; Error where it does not come in time; AbortError
 */
export async function readBounded(
  path: string,
  maxBytes: number,
  { timeoutMs = TIMEOUT_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<Buffer> {
  const giveUp = new AbortController();
  const end = AbortSignal.any([giveUp.signal, ...(signal === undefined ? [] : [signal])]);
  const late = sleep(timeoutMs, undefined, { signal: end }).then(() => {
    throw new Error(`it has not come in time (${timeoutMs / 1000} s)`);
  });
  try {
    // What the kernel does not answer stays with it; whoever waits is told.
    return await Promise.race([readAll(path, maxBytes, giveUp.signal), late]);
  } finally {
    giveUp.abort();
    late.catch(() => undefined);
  }
}

async function readAll(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of piecesOf(path, signal)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > maxBytes) throw new RangeError(`it has more than ${maxBytes / 1024 ** 2} MiB`);
  }
  return Buffer.concat(pieces);
}

async function* piecesOf(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if ((await file.stat()).isFIFO()) {
      yield* pipePieces(file.fd, signal);
      return;
    }
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Waited for without a thread, which nothing would end. */
async function* pipePieces(fd: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: own, readable: true, writable: false, signal });
  const pieces: AsyncIterable<Buffer> = socket;
  yield* pieces;
}
