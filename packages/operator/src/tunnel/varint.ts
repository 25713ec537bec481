/** Go's signed varint: zig-zag, seven bits a byte, the low ones first. Source: Go's encoding/binary, PutVarint and ReadVarint. */
import { TunnelError } from "./errors.ts";

/** An int64 takes ten bytes at most. */
export const VARINT_MAX_BYTES = 10;

export interface ReadVarint {
  readonly value: bigint;
  /** Where the next thing begins, in bytes. */
  readonly end: number;
}

/** @param value  an int64 */
export function encodeVarint(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/**
 * @param offset  in bytes
 * @throws TunnelError TUNNEL_FRAME_INVALID where it is cut off or no int64
 */
export function readVarint(bytes: Buffer, offset: number): ReadVarint {
  let unsigned = 0n;
  for (let count = 0; count < VARINT_MAX_BYTES; count += 1) {
    const byte = bytes[offset + count];
    if (byte === undefined) throw new TunnelError("TUNNEL_FRAME_INVALID", "a frame ends within a number");
    unsigned |= BigInt(byte & 0x7f) << BigInt(7 * count);
    if (byte >= 0x80) continue;
    // 64 bits are nine times seven and one.
    if (count === VARINT_MAX_BYTES - 1 && byte > 1) break;
    return { value: (unsigned >> 1n) ^ -(unsigned & 1n), end: offset + count + 1 };
  }
  throw new TunnelError("TUNNEL_FRAME_INVALID", "a frame has a number of more than 64 bits");
}
