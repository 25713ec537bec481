import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { splitChain } from "../../../src/tpm/split-chain.ts";
import { createAuthority } from "../../../../../test/software-tpm/index.ts";

const made = Array.from(
  { length: 10 },
  (_none, level) => createAuthority(`level ${level}`, undefined, { keyType: "ec" }).der,
);
const [one = made[0], two = made[0], three = made[0]] = made;
const bytes = (...parts: readonly (Buffer | undefined)[]): Buffer =>
  Buffer.concat(parts.filter((part) => part !== undefined));
const whole = bytes(one, two, three);

describe("splitChain", () => {
  it.each<[string, Buffer[]]>([
    ["in one index", [whole]],
    ["in an index each", [bytes(one), bytes(two), bytes(three)]],
    ["cut where an index ends", [whole.subarray(0, 500), whole.subarray(500, 510), whole.subarray(510)]],
    ["with unwritten flash at the end of each", [one, two, three].map((der) => bytes(der, Buffer.alloc(60, 0xff)))],
    ["with zeros at the end of each", [bytes(one, two, Buffer.alloc(3)), bytes(three, Buffer.alloc(500))]],
    ["behind something else", [Buffer.from("tag"), bytes(one, two, three)]],
    ["with one twice", [bytes(one, one, two), bytes(two, three)]],
    ["among empty ones", [Buffer.alloc(0), bytes(one), Buffer.alloc(0), bytes(two, three)]],
    ["with a sequence that is none", [bytes(one, Buffer.from("3003020101", "hex"), two, three)]],
  ])("finds three that lie %s", (_how, contents) => {
    expect(splitChain(contents)).toEqual([one, two, three]);
  });

  it.each<[string, Buffer[]]>([
    ["nothing", []],
    ["an empty index", [Buffer.alloc(0)]],
    ["zeros", [Buffer.alloc(800)]],
    ["unwritten flash", [Buffer.alloc(800, 0xff)]],
    ["half a certificate", [bytes(one).subarray(0, 200)]],
    ["an indefinite length", [Buffer.concat([Buffer.from("3080", "hex"), bytes(one)])]],
  ])("finds none in %s", (_what, contents) => {
    expect(splitChain(contents)).toEqual([]);
  });

  it("finds what comes before one that is cut short, and no more than may be sent", () => {
    expect(splitChain([bytes(one, two), bytes(three).subarray(0, 99)])).toEqual([one, two]);
    expect(splitChain([Buffer.concat(made)])).toEqual(made.slice(0, 8));
  });

  it("gives what it was given and ends, whatever that is", () => {
    const contents = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(...made),
        fc.tuple(fc.constantFrom(...made), fc.nat(400)).map(([der, at]) => der.subarray(at)),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(contents, (parts) => {
        const all = Buffer.concat(parts);
        expect(splitChain(parts).every((der) => all.includes(der))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
