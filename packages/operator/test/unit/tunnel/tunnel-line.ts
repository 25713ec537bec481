/** A tunnel without a network: frames go in, and what would be sent is kept. */
import type { Duplex } from "node:stream";
import { createFrameWriter, decodeFrame, type Frame } from "../../../src/tunnel/frame.ts";
import { createMultiplexer, type Multiplexer, type Sent } from "../../../src/tunnel/multiplexer.ts";
import { TunnelStream } from "../../../src/tunnel/io/tunnel-stream.ts";
import { encodeVarint } from "../../../src/tunnel/varint.ts";

export function connect(id: bigint): Buffer {
  return Buffer.concat([...[1n, id, 2n, 15_000n].map(encodeVarint), Buffer.from("tcp/not.used:80")]);
}

export interface Line {
  readonly multiplexer: Multiplexer;
  readonly sent: Frame[];
  readonly streams: TunnelStream[];
  readonly fulls: boolean[];
}

/** @param onSent  when the network takes what is sent; at once unless given */
export function createLine(
  onSent: (sent: Sent) => void = (sent) => setImmediate(sent),
  accept?: (stream: Duplex) => void,
): Line {
  const sent: Frame[] = [];
  const streams: TunnelStream[] = [];
  const fulls: boolean[] = [];
  const multiplexer = createMultiplexer({
    writer: createFrameWriter(0n),
    send(message, done) {
      sent.push(decodeFrame(message));
      if (done !== undefined) onSent(done);
    },
    open(outlet) {
      const stream = new TunnelStream(outlet, "tunnel");
      streams.push(stream);
      accept?.(stream);
      return stream;
    },
    onFull: (isFull) => fulls.push(isFull),
  });
  return { multiplexer, sent, streams, fulls };
}

export function begin(line: Line, id: bigint): TunnelStream {
  line.multiplexer.receive(connect(id));
  const stream = line.streams.at(-1);
  if (stream === undefined) throw new Error("no stream");
  return stream;
}
