/**
 * The format in which a container's output is kept while it runs: numbered segments, of which the newest two stay.
 *
 * A segment begins with 8 bytes: how many bytes of output came before it. Frames follow: 1 byte stream (1 stdout, 2
 * stderr), 4 bytes length, the bytes. All numbers big-endian. Segments hold whole frames, unless a write was cut off.
 */
import type { OutputStream } from "./output-lines.ts";

export const SEGMENT_HEADER_BYTES = 8;
const FRAME_HEADER_BYTES = 5;
/** A segment is closed as soon as it is larger than this. */
export const SEGMENT_BYTES = 512 * 1024;
export const KEPT_SEGMENTS = 2;
/** Frames are at most this long, so that what claims more is nonsense. */
export const MAX_FRAME_BYTES = 64 * 1024;
const SEGMENT_NAME = /^output\.(\d{1,12})$/;
/** Is there as soon as all output is recorded. */
export const END_MARK = "output.end";

export function segmentName(number: number): string {
  return `output.${number}`;
}

/** Numbers of the segments among the names of a folder, the oldest first. */
export function segmentNumbers(names: readonly string[]): readonly number[] {
  return names
    .flatMap((name) => {
      const digits = SEGMENT_NAME.exec(name)?.[1];
      return digits === undefined ? [] : [Number(digits)];
    })
    .sort((one, other) => one - other);
}

export function encodeSegmentHeader(positionBytes: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.writeBigUInt64BE(BigInt(positionBytes));
  return header;
}

export function encodeFrame(stream: OutputStream, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt8(stream === "stdout" ? 1 : 2);
  header.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([header, bytes]);
}

export interface Frame {
  readonly stream: OutputStream;
  readonly bytes: Buffer;
}

/**
 * @param bytes  of a segment, from a frame's beginning on
 * @returns      the whole frames, how many bytes they take, and whether what follows is no frame
 */
export function decodeFrames(bytes: Buffer): {
  readonly frames: readonly Frame[];
  readonly usedBytes: number;
  readonly broken: boolean;
} {
  const frames: Frame[] = [];
  let at = 0;
  while (at + FRAME_HEADER_BYTES <= bytes.length) {
    const kind = bytes.readUInt8(at);
    const length = bytes.readUInt32BE(at + 1);
    if ((kind !== 1 && kind !== 2) || length > MAX_FRAME_BYTES) return { frames, usedBytes: at, broken: true };
    const end = at + FRAME_HEADER_BYTES + length;
    if (end > bytes.length) break;
    frames.push({
      stream: kind === 1 ? "stdout" : "stderr",
      bytes: bytes.subarray(at + FRAME_HEADER_BYTES, end),
    });
    at = end;
  }
  return { frames, usedBytes: at, broken: false };
}

/** @returns undefined where the segment is shorter than its header */
export function decodeSegmentHeader(bytes: Buffer): number | undefined {
  return bytes.length < SEGMENT_HEADER_BYTES ? undefined : Number(bytes.readBigUInt64BE());
}
