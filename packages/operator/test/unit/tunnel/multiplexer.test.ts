import { once } from "node:events";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TunnelError } from "../../../src/tunnel/errors.ts";
import { createFrameWriter, decodeFrame, type Frame } from "../../../src/tunnel/frame.ts";
import {
  ALL_UNREAD_MAX_BYTES,
  CONNECTIONS_MAX,
  createMultiplexer,
  type Multiplexer,
  type Sent,
} from "../../../src/tunnel/multiplexer.ts";
import { DATA_MAX_BYTES, PAUSE_BYTES, TunnelStream } from "../../../src/tunnel/io/tunnel-stream.ts";
import { encodeVarint } from "../../../src/tunnel/varint.ts";
import { Random } from "../../../../../test/fuzz/random.ts";

const peer = createFrameWriter(7n);

function connect(id: bigint): Buffer {
  return Buffer.concat([...[1n, id, 2n, 15_000n].map(encodeVarint), Buffer.from("tcp/not.used:80")]);
}

interface Line {
  readonly multiplexer: Multiplexer;
  readonly sent: Frame[];
  readonly streams: TunnelStream[];
  readonly fulls: boolean[];
}

/** @param onSent  when the network takes what is sent; at once unless given */
function createLine(
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

function begin(line: Line, id: bigint): TunnelStream {
  line.multiplexer.receive(connect(id));
  const stream = line.streams.at(-1);
  if (stream === undefined) throw new Error("no stream");
  return stream;
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** Streams' own timers run on the test's clock from here on; what Node does at once still happens by itself. */
function stopTheClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
}

afterEach(() => void vi.useRealTimers());

describe("a connection through the tunnel", () => {
  it("hands on what comes, and its end", async () => {
    const line = createLine();
    const stream = begin(line, 5n);
    line.multiplexer.receive(peer.data(5n, Buffer.from("one ")));
    line.multiplexer.receive(peer.data(5n, Buffer.alloc(0)));
    line.multiplexer.receive(peer.data(5n, Buffer.from("two")));
    line.multiplexer.receive(peer.error(5n, "EOF"));
    expect(line.multiplexer.connections).toBe(0);
    let text = "";
    stream.on("data", (data: Buffer) => (text += data.toString()));
    await once(stream, "end");
    expect(text).toBe("one two");
    stream.end();
    await once(stream, "close");
    // Nobody listens at the other end any more.
    expect(line.sent).toEqual([]);
    expect(line.multiplexer.unreadBytes).toBe(0);
  });

  it("sends in pieces, the next one when the network has taken the last, and then its end", async () => {
    const waiting: Sent[] = [];
    const line = createLine((sent) => waiting.push(sent));
    const stream = begin(line, 5n);
    const bytes = new Random(1, 1).bytes(DATA_MAX_BYTES * 2 + 1);
    stream.end(bytes);
    const pieces = (): readonly Buffer[] => line.sent.flatMap((frame) => (frame.type === "data" ? [frame.data] : []));
    for (let count = 1; count <= 3; count += 1) {
      await settled();
      expect(pieces().length).toBe(count);
      waiting.shift()?.();
    }
    await once(stream, "close");
    expect(Buffer.concat(pieces()).equals(bytes)).toBe(true);
    expect(line.sent.at(-1)).toEqual({ type: "error", connection: 5n, text: "EOF" });
    expect(line.multiplexer.connections).toBe(0);
  });

  it("ends with its last word only when the other side has stopped sending, which it then needs not read", async () => {
    const line = createLine();
    const stream = begin(line, 5n);
    const piece = Buffer.alloc(DATA_MAX_BYTES);
    while (line.sent.length === 0) line.multiplexer.receive(peer.data(5n, piece));
    stopTheClock();
    const closed = once(stream, "close");
    stream.end("that is too much");
    for (let count = 0; count < 20; count += 1) {
      await vi.advanceTimersByTimeAsync(150);
      line.multiplexer.receive(peer.data(5n, piece));
    }
    expect(line.sent.map(({ type }) => type)).toEqual(["pause", "data", "resume"]);
    expect(line.multiplexer.unreadBytes).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    await closed;
    expect(line.sent.at(-1)).toEqual({ type: "error", connection: 5n, text: "EOF" });
  });

  it("ends at once after its last word when the other side ends it", async () => {
    const line = createLine();
    const stream = begin(line, 5n);
    stream.end("bye");
    await once(stream, "finish");
    expect(stream.destroyed).toBe(false);
    line.multiplexer.receive(peer.error(5n, "EOF"));
    expect(stream.destroyed).toBe(true);
    await once(stream, "close");
    expect(line.sent.map(({ type }) => type)).toEqual(["data"]);
  });

  it("sends nothing while the other side wants nothing, and goes on when it does", async () => {
    const line = createLine();
    const stream = begin(line, 5n);
    line.multiplexer.receive(peer.pause(5n));
    stream.write("later");
    await settled();
    expect(line.sent).toEqual([]);
    line.multiplexer.receive(peer.resume(5n));
    expect(line.sent).toEqual([{ type: "data", connection: 5n, data: Buffer.from("later") }]);
    stream.destroy();
  });

  it("asks for a pause while nobody reads, again where that is not heeded, and goes on when all is read", async () => {
    const line = createLine();
    const stream = begin(line, 5n);
    const kinds = (): readonly string[] => line.sent.map(({ type }) => type);
    const piece = Buffer.alloc(DATA_MAX_BYTES, "x");
    let count = 0;
    for (; kinds().length === 0; count += 1) line.multiplexer.receive(peer.data(5n, piece));
    expect(line.multiplexer.unreadBytes).toBeLessThanOrEqual(PAUSE_BYTES + 2 * DATA_MAX_BYTES);
    for (; kinds().length === 1; count += 1) line.multiplexer.receive(peer.data(5n, piece));
    expect(kinds()).toEqual(["pause", "pause"]);
    let left = count * DATA_MAX_BYTES;
    await new Promise<void>((resolve) => {
      stream.on("data", (data: Buffer) => {
        left -= data.length;
        if (left === 0) resolve();
      });
    });
    expect(kinds()).toEqual(["pause", "pause", "resume"]);
    expect(line.multiplexer.unreadBytes).toBe(0);
    stream.destroy();
  });

  it("fails the write that waits when the other side ends it", async () => {
    const line = createLine();
    const stream = begin(line, 5n);
    line.multiplexer.receive(peer.pause(5n));
    const failed = new Promise<Error | null | undefined>((resolve) => stream.write("never", resolve));
    line.multiplexer.receive(peer.error(5n, "EOF"));
    expect(await failed).toBeInstanceOf(TunnelError);
    await settled();
    expect(stream.destroyed).toBe(true);
    expect(line.sent).toEqual([]);
  });

  it("is lost with an error of the other side, unread data with it", async () => {
    const line = createLine();
    const stream = begin(line, 5n);
    line.multiplexer.receive(peer.data(5n, Buffer.alloc(200_000)));
    line.multiplexer.receive(peer.error(5n, "read tcp: connection reset by peer"));
    await once(stream, "close");
    expect([line.multiplexer.unreadBytes, line.sent.length]).toEqual([0, 0]);
  });

  it("leaves one that has its number later alone", async () => {
    const line = createLine();
    const first = begin(line, 5n);
    line.multiplexer.receive(peer.error(5n, "EOF"));
    const second = begin(line, 5n);
    first.destroy();
    await once(first, "close");
    second.write("still here");
    expect(line.sent).toEqual([{ type: "data", connection: 5n, data: Buffer.from("still here") }]);
    second.destroy();
  });

  it("tells its owner when nothing goes either way for as long as it wants to know", async () => {
    stopTheClock();
    const line = createLine();
    const stream = begin(line, 5n);
    let timeouts = 0;
    stream.setTimeout(40, () => (timeouts += 1));
    for (let count = 0; count < 10; count += 1) {
      await vi.advanceTimersByTimeAsync(30);
      line.multiplexer.receive(peer.data(5n, Buffer.from(".")));
    }
    await vi.advanceTimersByTimeAsync(39);
    stream.write(".");
    await vi.advanceTimersByTimeAsync(39);
    expect(timeouts).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(timeouts).toBe(1);
    stream.destroy();
  });
});

describe("the tunnel", () => {
  it("answers data for nobody with an error, and an error for nobody with nothing", () => {
    const { multiplexer, sent } = createLine();
    multiplexer.receive(peer.error(9n, "connection not found"));
    multiplexer.receive(peer.pause(9n));
    multiplexer.receive(peer.resume(9n));
    expect(sent).toEqual([]);
    multiplexer.receive(peer.data(9n, Buffer.from("x")));
    expect(sent).toEqual([{ type: "error", connection: 9n, text: "connection not found 9" }]);
  });

  it("refuses connections above its bound, and takes new ones when others have ended", () => {
    const line = createLine();
    for (let id = 1; id <= CONNECTIONS_MAX + 1; id += 1) line.multiplexer.receive(connect(BigInt(id)));
    expect([line.multiplexer.connections, line.streams.length]).toEqual([CONNECTIONS_MAX, CONNECTIONS_MAX]);
    const refused = BigInt(CONNECTIONS_MAX + 1);
    expect(line.sent).toEqual([{ type: "error", connection: refused, text: "too many connections" }]);
    line.multiplexer.receive(peer.error(3n, "EOF"));
    line.multiplexer.receive(connect(refused));
    expect(line.streams.length).toBe(CONNECTIONS_MAX + 1);
    line.multiplexer.end();
    expect(line.multiplexer.connections).toBe(0);
  });

  it("is over where a connection is asked for that is there", () => {
    const line = createLine();
    begin(line, 5n);
    expect(() => line.multiplexer.receive(connect(5n))).toThrow(TunnelError);
    line.multiplexer.end();
  });

  it("reads no further where too much is unread, until half of it is read", async () => {
    const line = createLine();
    const streams = [begin(line, 1n), begin(line, 2n)];
    const piece = Buffer.alloc(4 * 1024 * 1024);
    for (let count = 0; line.fulls.length === 0; count += 1)
      line.multiplexer.receive(peer.data(BigInt(1 + (count % 2)), piece));
    expect(line.multiplexer.unreadBytes).toBeLessThan(ALL_UNREAD_MAX_BYTES + 2 * piece.length);
    streams[0]?.destroy();
    await settled();
    expect(line.fulls).toEqual([true]);
    streams[1]?.resume();
    while (line.fulls.length === 1) await settled();
    expect(line.fulls).toEqual([true, false]);
    line.multiplexer.end();
    await settled();
    expect(line.multiplexer.unreadBytes).toBe(0);
  });

  it("loses all connections when it ends, and holds nothing of them", async () => {
    const line = createLine();
    const streams = [begin(line, 1n), begin(line, 2n)];
    const closed = Promise.all(streams.map((stream) => once(stream, "close")));
    line.multiplexer.receive(peer.data(1n, Buffer.alloc(100_000)));
    line.multiplexer.end();
    await closed;
    expect([line.multiplexer.connections, line.multiplexer.unreadBytes, line.sent.length]).toEqual([0, 0, 0]);
  });
});

describe("100,000 random frames", () => {
  /** Mostly well-formed ones about the latest connections; some of them bent. */
  function frameOf(random: Random, count: number): Buffer {
    const type = random.pick([1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, -1]);
    const isNew = type === 2 && random.below(200) > 0;
    const id = encodeVarint(BigInt(isNew ? count : count - random.below(100)));
    const deadline = type === 1 || type === 2 ? encodeVarint(15_000n) : Buffer.alloc(0);
    const text = random.pick([
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "EOF",
      "tcp/a:1",
      "\r\n\r\n",
      "POST / HTTP/1.1\r\n",
    ]);
    const isAddress = type === 2 && random.below(200) > 0;
    const payload = isAddress
      ? Buffer.from("tcp/a:1")
      : random.below(3) === 0
        ? random.bytes(random.below(300))
        : Buffer.from(text);
    const frame = Buffer.concat([encodeVarint(1n), id, encodeVarint(BigInt(type)), deadline, payload]);
    if (random.below(400) > 0) return frame;
    const bent = random.below(2) === 0 ? frame.subarray(0, random.below(frame.length)) : frame;
    if (bent.length > 0) bent[random.below(bent.length)] = random.uint32() & 0xff;
    return bent;
  }

  /** After its end. What the other side had ended in good order before is still read, for ten seconds at most. */
  async function nothingLeft({ multiplexer, streams }: ReturnType<typeof createLine>, seed: string): Promise<void> {
    expect(multiplexer.connections, seed).toBe(0);
    const isGone = (): boolean => multiplexer.unreadBytes === 0 && streams.every(({ destroyed }) => destroyed);
    await vi.waitFor(() => expect(isGone(), seed).toBe(true), { timeout: 12_000, interval: 5 });
  }

  it("end a tunnel at most, never the program, and leave nothing behind", async () => {
    const seed = Number(process.env["TUNNEL_SEED"] ?? Date.now() >>> 0);
    const random = new Random(seed, 2);
    const server = createServer((request, response) => {
      request.resume();
      response.end("hello");
    });
    server.on("clientError", (_error, socket) => socket.destroy());
    const accept = (stream: Duplex): void => void server.emit("connection", stream);
    let line = createLine(undefined, accept);
    let [refused, opened] = [0, 0];
    for (let count = 0; count < 100_000; count += 1) {
      try {
        line.multiplexer.receive(frameOf(random, count));
      } catch (error) {
        expect(error, `seed ${seed}`).toMatchObject({ code: "TUNNEL_FRAME_INVALID" });
        refused += 1;
        line.multiplexer.end();
        await nothingLeft(line, `seed ${seed}`);
        opened += line.streams.length;
        line = createLine(undefined, accept);
      }
      if (count % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    line.multiplexer.end();
    await nothingLeft(line, `seed ${seed}`);
    expect(refused, `seed ${seed}`).toBeGreaterThan(20);
    expect(opened, `seed ${seed}`).toBeGreaterThan(1_000);
  });
});
