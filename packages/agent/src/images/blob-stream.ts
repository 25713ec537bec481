/** One blob from its registry, whatever happens on the way: resumed where it broke off, until nothing comes for too long. */
import type { Hash } from "node:crypto";

import { hasCode } from "@rancheros/protocol/errors";

import { backOffMs } from "./back-off.ts";
import { digestHash } from "./digest-hash.ts";
import { ImagePullError } from "./errors.ts";
import type { ImageSource, OpenedBlob } from "./image-source.ts";
import type { RateLimit } from "./rate-limit.ts";

export interface StreamOutside {
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Rejects when the signal is given. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export interface StreamOptions {
  readonly source: ImageSource;
  readonly limit: RateLimit;
  /** How long attempts go on without a single byte. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly onRetry: (error: ImagePullError, delayMs: number) => void;
}

/** Smaller pieces make the limited flow even. */
const MAX_PIECE_BYTES = 64 * 1024;

/**
 * @param from   offset of the first byte
 * @param bytes  how many are wanted
 * @throws ImagePullError  IMAGE_GAVE_UP, IMAGE_INTERRUPTED, and what no patience helps against
 */
export async function* streamBlob(
  outside: StreamOutside,
  options: StreamOptions,
  digest: string,
  from: number,
  bytes: number,
): AsyncGenerator<Buffer> {
  let done = 0;
  let failures = 0;
  let lastByteMs = outside.nowMs();
  // What begins in the middle can only be verified by whoever has the beginning.
  const hash = from === 0 ? digestHash(digest) : undefined;
  const senders = new Map<string, OpenedBlob>();
  while (done < bytes) {
    const doneBefore = done;
    let opened: OpenedBlob | undefined;
    try {
      opened = await options.source.openBlob(digest, from + done, options.signal);
      for await (const piece of onePass(outside, options, opened, bytes - done)) {
        senders.set(opened.host, opened);
        done += piece.length;
        failures = 0;
        hash?.update(piece);
        // Before the last piece: nobody gets the whole of a wrong blob.
        if (done === bytes && hash !== undefined) checkHash(hash, digest, [...senders.values()]);
        yield piece;
        lastByteMs = outside.nowMs();
      }
    } catch (error) {
      failures += 1;
      // Whoever has no more of it than came already would be asked for the rest until patience ends.
      if (done === doneBefore && !options.signal.aborted) opened?.doubt();
      await waitOrGiveUp(outside, options, error, { failures, silentMs: outside.nowMs() - lastByteMs });
    }
  }
}

/** One answer of a registry, in pieces, at the rate that is set. @throws ImagePullError where it is too short */
async function* onePass(
  outside: StreamOutside,
  { limit, signal }: StreamOptions,
  { host, body }: OpenedBlob,
  bytes: number,
): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of body) {
    for (const piece of piecesOf(chunk.subarray(0, left))) {
      const waitMs = limit.take(piece.length, outside.nowMs());
      if (waitMs > 0) await outside.sleep(waitMs, signal);
      left -= piece.length;
      yield piece;
    }
    if (left === 0) return;
  }
  throw new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", `${host}: broke off in the middle of a layer`);
}

async function waitOrGiveUp(
  outside: StreamOutside,
  { signal, patienceMs, onRetry }: StreamOptions,
  error: unknown,
  { failures, silentMs }: { readonly failures: number; readonly silentMs: number },
): Promise<void> {
  if (signal.aborted) throw new ImagePullError("IMAGE_INTERRUPTED", "the pull was broken off", { cause: error });
  const delayMs = backOffMs(error, failures, outside.random());
  const hopeless = delayMs === undefined || hasCode(error, "IMAGE_DIGEST_WRONG");
  if (hopeless || !(error instanceof ImagePullError)) throw error;
  if (silentMs + delayMs > patienceMs) throw gaveUp(error, silentMs, failures);
  onRetry(error, delayMs);
  await outside.sleep(delayMs, signal).catch(() => undefined);
}

/** @param senders  of its parts, in their order; which part is wrong nobody knows */
function checkHash(hash: Hash, digest: string, senders: readonly OpenedBlob[]): void {
  if (hash.digest("hex") === digest.slice(digest.indexOf(":") + 1)) return;
  // The first is asked before all others otherwise, so it is doubted most.
  for (const sender of senders.toReversed()) sender.doubt();
  const hosts = senders.map(({ host }) => host).join(", ");
  throw new ImagePullError("IMAGE_DIGEST_WRONG", `${hosts}: what came for the layer ${digest} is something else`);
}

export function gaveUp(last: ImagePullError, waitedMs: number, attempts: number): ImagePullError {
  const message = `gave up after ${attempts} attempts in ${Math.round(waitedMs / 1000)} s; the last one: ${last.message}`;
  return new ImagePullError("IMAGE_GAVE_UP", message, { cause: last, details: { attempts, lastCode: last.code } });
}

function* piecesOf(chunk: Buffer): Generator<Buffer> {
  for (let at = 0; at < chunk.length; at += MAX_PIECE_BYTES) yield chunk.subarray(at, at + MAX_PIECE_BYTES);
}
