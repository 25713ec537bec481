import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyCharacter } from "../../../../../test/any-character.ts";
import { readLines } from "../../../src/controller/read-lines.ts";

async function* streamOf(pieces: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function linesOf(pieces: readonly (string | Buffer)[], maxBytes = 1_000): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(streamOf(pieces), maxBytes)) lines.push(line);
  return lines;
}

describe("readLines", () => {
  it("gives the same lines however the stream is cut, also in the middle of a character", async () => {
    const line = fc.string({ unit: anyCharacter, minLength: 1 }).filter((text) => !text.includes("\n"));
    const cuts = fc.array(fc.nat({ max: 7 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), cuts, async (lines, sizes) => {
        let rest = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const pieces = sizes.map((size) => {
          const piece = rest.subarray(0, size);
          rest = rest.subarray(size);
          return piece;
        });
        expect(await linesOf([...pieces, rest])).toEqual(lines);
      }),
    );
  });

  it("leaves out empty lines, and what has no newline behind it", async () => {
    expect(await linesOf(["\n\na\n\n", "half of"])).toEqual(["a"]);
  });

  it("refuses a line that does not end", async () => {
    await expect(linesOf(["a\n", "b".repeat(600), "b".repeat(600)])).rejects.toThrow(RangeError);
  });

  it("hands on how the stream fails, after the lines before it", async () => {
    const seen: string[] = [];
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from("a\nb");
      throw new TypeError("cut off");
    }
    const reading = (async () => {
      for await (const line of readLines(broken(), 10)) seen.push(line);
    })();
    await expect(reading).rejects.toThrow("cut off");
    expect(seen).toEqual(["a"]);
  });
});
