/** Bytes in one buffer, whatever pieces they come in. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createGrowingBytes } from "../../../src/bytes/index.ts";

const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 12 });

it("has what came, up to its limit, and says of each piece whether it fits", () => {
  fc.assert(
    fc.property(pieces, fc.nat({ max: 9000 }), (come, maxBytes) => {
      const gathered = createGrowingBytes(maxBytes);
      let cameBytes = 0;
      for (const piece of come) {
        cameBytes += piece.length;
        expect(gathered.append(piece)).toBe(cameBytes <= maxBytes);
        if (cameBytes > maxBytes) break;
      }
      expect(gathered.bytes()).toEqual(Buffer.concat(come).subarray(0, Math.min(cameBytes, maxBytes)));
    }),
  );
});

it("holds at most twice what came, or 1024 bytes, and never more than its limit", () => {
  const gathered = createGrowingBytes(10_000);
  for (let came = 1; came <= 10_000; came += 1) {
    gathered.append(Buffer.of(came & 0xff));
    expect(gathered.heldBytes).toBeLessThanOrEqual(Math.min(10_000, Math.max(1024, 2 * came)));
  }
  expect(gathered.append(Buffer.of(1))).toBe(false);
  expect(gathered.heldBytes).toBe(10_000);
});

it("leaves what it has given as it was", () => {
  const gathered = createGrowingBytes(10);
  gathered.append(Buffer.from("abc"));
  const given = gathered.bytes();
  gathered.append(Buffer.from("defghijkl"));
  expect([String(given), String(gathered.bytes())]).toEqual(["abc", "abcdefghij"]);
});
