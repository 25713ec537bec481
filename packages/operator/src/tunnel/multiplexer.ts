/** Many connections over one tunnel: which frame goes to which connection, and how many bytes wait all together. */
import { TunnelError } from "./errors.ts";
import { decodeFrame, type FrameWriter } from "./frame.ts";

/** Far more than machines that one Rancher lets through at one time. */
export const CONNECTIONS_MAX = 512;
/** Bytes that came for connections which do not read them; above, nothing more is read from the tunnel. */
export const ALL_UNREAD_MAX_BYTES = 64 * 1024 * 1024;

export type Sent = (error?: Error | null) => void;

/** One connection, as it is told what came for it. */
export interface Inlet {
  /** @param data  a part of a larger message, to be copied where it is kept */
  arrived(data: Buffer): void;
  /** It has ended, both ways; END_OF_STREAM is the good order. */
  ended(text: string): void;
  /** Whether the other side takes nothing at this moment. */
  setPaused(isPaused: boolean): void;
}

/** One connection's way to the other side. */
export interface Outlet {
  /** @param sent  called once, when it was handed to the network or cannot be any more */
  data(data: Buffer, sent: Sent): void;
  /** Ends the connection both ways; nothing can be sent afterwards. */
  end(text: string): void;
  /** Whether the other side is to send nothing at this moment. */
  setPaused(isPaused: boolean): void;
  /** @param bytes  how many more wait to be read; fewer where negative */
  unread(bytes: number): void;
}

export interface MultiplexerParts {
  readonly writer: FrameWriter;
  readonly send: (message: Buffer, sent?: Sent) => void;
  /** Begins a connection that the other side asks for. */
  readonly open: (outlet: Outlet) => Inlet;
  /** Whether too much is unread: then nothing more may be read from the tunnel until it is not. */
  readonly onFull: (isFull: boolean) => void;
}

export interface Multiplexer {
  /** @throws TunnelError TUNNEL_FRAME_INVALID: the tunnel is of no use any more */
  receive(message: Buffer): void;
  /** The message that tells which connections live. */
  syncConnections(): Buffer;
  readonly connections: number;
  readonly unreadBytes: number;
  /** All connections are lost. */
  end(): void;
}

export function createMultiplexer({ writer, send, open, onFull }: MultiplexerParts): Multiplexer {
  const living = new Map<bigint, { inlet?: Inlet }>();
  let unreadBytes = 0;
  let isFull = false;

  function count(bytes: number): void {
    unreadBytes += bytes;
    const limit = isFull ? ALL_UNREAD_MAX_BYTES / 2 : ALL_UNREAD_MAX_BYTES;
    if (unreadBytes > limit === isFull) return;
    isFull = !isFull;
    onFull(isFull);
  }

  function connect(id: bigint): void {
    if (living.has(id)) throw new TunnelError("TUNNEL_FRAME_INVALID", "a connection is asked for twice");
    if (living.size >= CONNECTIONS_MAX) {
      send(writer.error(id, "too many connections"));
      return;
    }
    const connection: { inlet?: Inlet } = {};
    living.set(id, connection);
    // Another one may have the same id later.
    const isOpen = (): boolean => living.get(id) === connection;
    connection.inlet = open({
      data(data, sent) {
        if (isOpen()) send(writer.data(id, data), sent);
        else sent(new TunnelError("TUNNEL_ENDED", "the connection has ended"));
      },
      end(text) {
        if (!isOpen()) return;
        living.delete(id);
        send(writer.error(id, text));
      },
      setPaused(isPaused) {
        if (isOpen()) send(isPaused ? writer.pause(id) : writer.resume(id));
      },
      unread: count,
    });
  }

  return {
    receive(message) {
      const frame = decodeFrame(message);
      if (frame.type === "other") return;
      const { connection: id } = frame;
      if (frame.type === "connect") return connect(id);
      const inlet = living.get(id)?.inlet;
      if (frame.type === "data") {
        // Not answered in any other case: two sides that answer each other's errors would never end.
        if (inlet === undefined) send(writer.error(id, `connection not found ${id}`));
        else if (frame.data.length > 0) inlet.arrived(frame.data);
      } else if (frame.type === "error") {
        living.delete(id);
        inlet?.ended(frame.text);
      } else inlet?.setPaused(frame.type === "pause");
    },
    syncConnections: () => writer.syncConnections([...living.keys()]),
    get connections() {
      return living.size;
    },
    get unreadBytes() {
      return unreadBytes;
    },
    end() {
      const lost = [...living.values()];
      living.clear();
      for (const { inlet } of lost) inlet?.ended("the tunnel has ended");
    },
  };
}
