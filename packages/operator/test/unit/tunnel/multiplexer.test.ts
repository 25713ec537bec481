import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TunnelError } from "../../../src/tunnel/errors.ts";
import { createFrameWriter } from "../../../src/tunnel/frame.ts";
import { ALL_UNREAD_MAX_BYTES, CONNECTIONS_MAX, type Sent } from "../../../src/tunnel/multiplexer.ts";
import { DATA_MAX_BYTES, PAUSE_BYTES } from "../../../src/tunnel/io/tunnel-stream.ts";
import { Random } from "../../../../../test/fuzz/random.ts";
import { begin, connect, createLine } from "./tunnel-line.ts";

const peer = createFrameWriter(7n);

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
