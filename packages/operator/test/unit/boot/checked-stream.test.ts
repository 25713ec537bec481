/** A transfer is whole only when its bytes are those of the digest. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkedStream, type Expected } from "../../../src/boot/checked-stream.ts";

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

async function through(expected: Expected, chunks: readonly Buffer[]): Promise<{ passed: number; code: unknown }> {
  let passed = 0;
  try {
    await pipeline(Readable.from(chunks), checkedStream(expected), async (output: AsyncIterable<Buffer>) => {
      for await (const chunk of output) passed += chunk.length;
    });
    return { passed, code: undefined };
  } catch (error) {
    return { passed, code: error instanceof Error && "code" in error ? error.code : error };
  }
}

const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 8 });

describe("a checked stream", () => {
  it("passes on all bytes that have the digest", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, async (arrays) => {
        const buffers = arrays.map((array) => Buffer.from(array));
        const whole = Buffer.concat(buffers);
        const expected = { digest: digestOf(whole), sizeBytes: whole.length };
        expect(await through(expected, buffers)).toEqual({ passed: whole.length, code: undefined });
      }),
    );
  });

  it("never gives a whole file where a byte differs, is missing or too much", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, fc.nat(), fc.constantFrom("flip", "drop", "add"), async (arrays, where, how) => {
        const buffers = arrays.map((array) => Buffer.from(array));
        const whole = Buffer.concat(buffers);
        const expected = { digest: digestOf(whole), sizeBytes: whole.length };
        const last = buffers.at(-1) ?? Buffer.alloc(0);
        if (how === "drop") buffers[buffers.length - 1] = last.subarray(0, -1);
        if (how === "add") buffers.push(Buffer.from([0]));
        const chunk = buffers[where % arrays.length];
        if (how === "flip" && chunk !== undefined) chunk[0] = (chunk[0] ?? 0) ^ 1;
        const { passed, code } = await through(
          expected,
          buffers.filter(({ length }) => length > 0),
        );
        expect(code).toBe("BOOT_MEDIA_BROKEN");
        expect(passed).toBeLessThan(whole.length);
      }),
    );
  });

  it("knows of a part only how long it is", async () => {
    const part = Buffer.from("part");
    expect(await through({ digest: undefined, sizeBytes: 4 }, [part])).toEqual({ passed: 4, code: undefined });
    expect((await through({ digest: undefined, sizeBytes: 5 }, [part])).code).toBe("BOOT_MEDIA_BROKEN");
  });
});
