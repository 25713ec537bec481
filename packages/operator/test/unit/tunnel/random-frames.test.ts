/** What a tunnel makes of whatever the other side sends. */
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { encodeVarint } from "../../../src/tunnel/varint.ts";
import { Random } from "../../../../../test/fuzz/random.ts";
import { createLine } from "./tunnel-line.ts";

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
    await expect.poll(isGone, { timeout: 12_000, interval: 5, message: seed }).toBe(true);
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
