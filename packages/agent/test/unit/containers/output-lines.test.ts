import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createOutputLines, MAX_LINE_CHARACTERS, type OutputEvent } from "../../../src/containers/output-lines.ts";
import {
  decodeFrames,
  decodeSegmentHeader,
  encodeFrame,
  encodeSegmentHeader,
  segmentNumbers,
} from "../../../src/containers/recorded-frames.ts";

function linesOf(
  keep: number,
  ...chunks: readonly (string | Uint8Array)[]
): { readonly last: readonly string[]; readonly events: readonly OutputEvent[] } {
  const events: OutputEvent[] = [];
  const lines = createOutputLines(keep, (event) => events.push(event));
  for (const chunk of chunks) lines.feed("stdout", Buffer.from(chunk));
  lines.end();
  return { last: lines.lastLines(), events };
}

describe("createOutputLines", () => {
  it("gives the same lines however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !/[\r\n]|\p{Cc}/u.test(text)),
          { maxLength: 10 },
        ),
        fc.array(fc.nat({ max: 40 }), { maxLength: 20 }),
        (texts, cuts) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
          const chunks: Buffer[] = [];
          let at = 0;
          for (const cut of cuts) {
            chunks.push(bytes.subarray(at, at + cut));
            at = Math.min(bytes.length, at + cut);
          }
          chunks.push(bytes.subarray(at));
          expect(linesOf(100, ...chunks).last).toEqual(texts);
        },
      ),
    );
  });

  it("keeps the newest lines only, and cuts long ones", () => {
    expect(linesOf(2, "a\nb\nc\n").last).toEqual(["b", "c"]);
    const long = linesOf(2, "x".repeat(1_000_000), "x".repeat(10), "\nafter\n").last;
    expect(long).toEqual([`${"x".repeat(MAX_LINE_CHARACTERS)}…`, "after"]);
  });

  it("shows of a progress bar the last state, and nothing that a terminal obeys", () => {
    expect(linesOf(5, "10%\r50%\r100%\r\n\u001B[31mred\u001B[0m\u0007\tend\n").last).toEqual([
      "100%",
      "red\uFFFD\tend",
    ]);
  });

  it("tells a gap, and does not join what is before and after it", () => {
    const lines = createOutputLines(10, () => undefined);
    lines.feed("stdout", Buffer.from("before"));
    lines.skip(7);
    lines.feed("stdout", Buffer.from("after\n"));
    expect([lines.lastLines(), lines.skippedBytes()]).toEqual([["before…", "after"], 7]);
  });
});

describe("recorded frames", () => {
  it("come back as they were, from any beginning of the segment", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("stdout" as const, "stderr" as const), fc.uint8Array({ maxLength: 50 }))),
        fc.nat(),
        (frames, cut) => {
          const all = Buffer.concat(frames.map(([stream, bytes]) => encodeFrame(stream, bytes)));
          const whole = decodeFrames(all);
          expect(whole.frames.map(({ stream, bytes }) => [stream, [...bytes]])).toEqual(
            frames.map(([stream, bytes]) => [stream, [...bytes]]),
          );
          const part = decodeFrames(all.subarray(0, cut % (all.length + 1)));
          const rest = decodeFrames(all.subarray(part.usedBytes));
          expect(part.frames.length + rest.frames.length).toBe(frames.length);
          expect([whole.broken, part.broken, rest.broken]).toEqual([false, false, false]);
        },
      ),
    );
  });

  it("are never anything but broken or incomplete where the bytes are others", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { usedBytes } = decodeFrames(Buffer.from(bytes));
        expect(usedBytes).toBeLessThanOrEqual(bytes.length);
      }),
    );
    expect(decodeFrames(Buffer.from([9, 0, 0, 0, 0])).broken).toBe(true);
    expect(decodeFrames(Buffer.from([1, 255, 0, 0, 0])).broken).toBe(true);
  });

  it("say in the segment's header how much came before, and are found in their order", () => {
    expect(decodeSegmentHeader(encodeSegmentHeader(2 ** 40))).toBe(2 ** 40);
    expect(decodeSegmentHeader(Buffer.alloc(7))).toBeUndefined();
    expect(segmentNumbers(["output.10", "output.9", "output.end", "environment", "output.x"])).toEqual([9, 10]);
  });
});
