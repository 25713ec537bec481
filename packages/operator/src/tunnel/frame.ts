/** Messages of Rancher's remotedialer, each one binary websocket message. Source: github.com/rancher/remotedialer, message.go. */
import { TunnelError } from "./errors.ts";
import { encodeVarint, readVarint } from "./varint.ts";

/** What remotedialer reads of an address, and of an error's text. */
export const ADDRESS_MAX_BYTES = 266;
export const ERROR_MAX_BYTES = 100;

/** The text of an Error frame that ends a connection in good order. */
export const END_OF_STREAM = "EOF";

const TYPES = {
  data: 1n,
  connect: 2n,
  error: 3n,
  addClient: 4n,
  removeClient: 5n,
  pause: 6n,
  resume: 7n,
  syncConnections: 8n,
} as const;

/** Data and Connect carry a deadline in milliseconds that nobody reads any more; this is what remotedialer sends. */
const LEGACY_DEADLINE = encodeVarint(15_000n);

/** What the tunnel's client is told; `other` is what concerns it not, or what is newer than this code. */
export type Frame =
  | { readonly type: "data"; readonly connection: bigint; readonly data: Buffer }
  | { readonly type: "connect"; readonly connection: bigint; readonly network: string; readonly address: string }
  | { readonly type: "error"; readonly connection: bigint; readonly text: string }
  | { readonly type: "pause"; readonly connection: bigint }
  | { readonly type: "resume"; readonly connection: bigint }
  | { readonly type: "other" };

function connectFrame(connection: bigint, payload: Buffer): Frame {
  const text = payload.subarray(0, ADDRESS_MAX_BYTES).toString();
  const slash = text.indexOf("/");
  if (slash === -1) throw new TunnelError("TUNNEL_FRAME_INVALID", "a connection without an address is asked for");
  return { type: "connect", connection, network: text.slice(0, slash), address: text.slice(slash + 1) };
}

/**
 * @param message  whole; a frame's data is a part of it, not a copy
 * @throws TunnelError TUNNEL_FRAME_INVALID
 */
export function decodeFrame(message: Buffer): Frame {
  const connection = readVarint(message, readVarint(message, 0).end);
  const type = readVarint(message, connection.end);
  const { value: id } = connection;
  const payload = (): Buffer => message.subarray(type.end);
  const afterDeadline = (): Buffer => message.subarray(readVarint(message, type.end).end);
  switch (type.value) {
    case TYPES.data:
      return { type: "data", connection: id, data: afterDeadline() };
    case TYPES.connect:
      return connectFrame(id, afterDeadline());
    case TYPES.error:
      return { type: "error", connection: id, text: payload().subarray(0, ERROR_MAX_BYTES).toString() };
    case TYPES.pause:
      return { type: "pause", connection: id };
    case TYPES.resume:
      return { type: "resume", connection: id };
    // TYPES.addClient, removeClient and syncConnections are for servers.
    default:
      return { type: "other" };
  }
}

export interface FrameWriter {
  data(connection: bigint, data: Buffer): Buffer;
  error(connection: bigint, text: string): Buffer;
  pause(connection: bigint): Buffer;
  resume(connection: bigint): Buffer;
  /** @param connections  all that live: the server ends every other one */
  syncConnections(connections: readonly bigint[]): Buffer;
}

/** @param firstId  of the messages, which are counted up; an int63 */
export function createFrameWriter(firstId: bigint): FrameWriter {
  let id = firstId;

  function write(connection: bigint, type: bigint, ...payload: readonly Buffer[]): Buffer {
    id = BigInt.asIntN(64, id + 1n);
    return Buffer.concat([encodeVarint(id), encodeVarint(connection), encodeVarint(type), ...payload]);
  }

  return {
    data: (connection, data) => write(connection, TYPES.data, LEGACY_DEADLINE, data),
    error: (connection, text) => write(connection, TYPES.error, Buffer.from(text).subarray(0, ERROR_MAX_BYTES)),
    pause: (connection) => write(connection, TYPES.pause),
    resume: (connection) => write(connection, TYPES.resume),
    syncConnections(connections) {
      // The server compares two sorted lists.
      const sorted = connections.toSorted((a, b) => (a < b ? -1 : 1));
      const payload = Buffer.alloc(8 * sorted.length);
      for (const [at, connection] of sorted.entries()) payload.writeBigInt64LE(connection, 8 * at);
      return write(0n, TYPES.syncConnections, payload);
    },
  };
}
