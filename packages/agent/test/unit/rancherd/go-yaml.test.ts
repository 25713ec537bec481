/** What rancherd makes of YAML, as sigs.k8s.io/yaml 1.6.0 (YAMLToJSON) printed it for each of these texts. */
import { describe, expect, it } from "vitest";

import { parseGoYaml } from "../../../src/rancherd/go-yaml.ts";

it.each([
  ["a merge below a key goes before it", "a: &x {k: 1}\nb:\n  k: 3\n  <<: *x\n", { a: { k: 1 }, b: { k: 1 } }],
  [
    "a merge above a key does not",
    "a: &x {k: 1, j: 2}\nb:\n  <<: *x\n  k: 3\n",
    { a: { k: 1, j: 2 }, b: { k: 3, j: 2 } },
  ],
  [
    "of several maps the first counts",
    "a: &x {k: 1}\nb: {<<: [*x, {z: 1, k: 2}]}\n",
    { a: { k: 1 }, b: { k: 1, z: 1 } },
  ],
  [
    "a merge within a merge",
    "a: &x {k: 1}\nb: &y {k: 2, <<: *x}\nc: {k: 3, <<: *y}\n",
    { a: { k: 1 }, b: { k: 1 }, c: { k: 1 } },
  ],
  ["a quoted << is a key", 'a: &x {k: 1}\nb:\n  "<<": *x\n', { a: { k: 1 }, b: { "<<": { k: 1 } } }],
  ["two merges", "<<: {a: 1}\n<<: {b: 2}\n", { a: 1, b: 2 }],
  ["binary is text", "a: !!binary aGVsbG8=\n", { a: "hello" }],
  ["binary on several lines", "a: !!binary |\n  aGVs\n  bG8=\n", { a: "hello" }],
  ["binary that is no text", "a: !!binary /w==\n", { a: "\uFFFD" }],
  ["tags of its own", "a: !foo x\n", { a: "x" }],
  ["tags that YAML does not have", "a: !!foo 5\nb: !!yaml x\n", { a: "5", b: "x" }],
  [
    "whole numbers that are to be others",
    "[!!float 3, !!float '3', !!float -3, !!float 1_000, !!float 0x10, !!float 017, !!float 0o17, !!float 0b11]\n",
    [3, 3, -3, 1000, 16, 15, 15, 3],
  ],
  [
    "times as they are written",
    "[!!timestamp 2001-12-14, !!timestamp '2001-1-4', !!timestamp 2001-12-14t21:59:43.10-05:00, !!timestamp 2001-12-14 21:59:43]\n",
    ["2001-12-14", "2001-1-4", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43"],
  ],
  ["sets and ordered maps", "a: !!set {x, z}\nb: !!omap [x: 1]\n", { a: { x: null, z: null }, b: [{ x: 1 }] }],
  [
    "text that only looks like a number, as a token may",
    "[1e999, -1e999, 8e4521, e5, E12, +e5, ., -., 0xFFFFFFFFFFFFFFFFF, 0o7777777777777777777777777, _1]\n",
    [
      "1e999",
      "-1e999",
      "8e4521",
      "e5",
      "E12",
      "+e5",
      ".",
      "-.",
      "0xFFFFFFFFFFFFFFFFF",
      "0o7777777777777777777777777",
      "_1",
    ],
  ],
  [
    "numbers of more than 64 bits, of which only decimal ones are some",
    "[18446744073709551615, 18446744073709551616, -9223372036854775809, 07777777777777777777777777]\n",
    [2 ** 64, 2 ** 64, -(2 ** 63), 7.777777777777778e24],
  ],
  [
    "numbers with underscores, signs and bases",
    "[1_000, +1, -0x10, 0b11, -017, 08, 1_0.5_0, .5, -.5e1, 0x_1, 1e-999]\n",
    [1000, 1, -16, 3, -15, 8, 10.5, 0.5, -5, 1, 0],
  ],
  ["keys that only look like numbers", "{e5: 1, 1e999: 2, .: 3}\n", { e5: 1, "1e999": 2, ".": 3 }],
  [
    "tags of scalars on maps and lists, which say nothing",
    "{a: !!int [1], b: !!null {x: 1}, c: !!float [2], d: !!bool [x], e: !!binary [w], f: !!timestamp [z]}\n",
    { a: [1], b: { x: 1 }, c: [2], d: ["x"], e: ["w"], f: ["z"] },
  ],
  ["the largest whole number by its tag", "a: !!int 18446744073709551615\n", { a: 2 ** 64 }],
  ["a map that is to be a list", "a: !!seq {x: 1}\nb: !!map [1]\n", { a: { x: 1 }, b: [1] }],
])("%s", (_what, text, value) => {
  expect(parseGoYaml(text)).toEqual(value);
});

describe("what rancherd does not read at all is refused with its place", () => {
  it.each([
    ["infinity", "a: 1\nb: .inf\n", "a number that JSON does not know (.inf, .nan) at line 2, column 4"],
    ["no number", "a: [.nan]\n", "a number that JSON does not know (.inf, .nan) at line 1, column 5"],
    ["broken base64", "a: !!binary '%%'\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["base64 with spaces", "a: !!binary aGVs bG8=\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a word for a time", "a: !!timestamp canary\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a number for a time", "a: !!timestamp 5\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a month too many", "a: !!timestamp 2001-13-14\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a word for a fraction", "a: !!float canary\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a fraction for a whole number", "a: !!int 3.5\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    [
      "a whole number of more than 64 bits",
      "a: !!int 18446744073709551616\n",
      "TAG_RESOLVE_FAILED at line 1, column 4",
    ],
    ["one below zero", "a: 1\nb: !!int -9223372036854775809\n", "TAG_RESOLVE_FAILED at line 2, column 4"],
    ["a fraction beyond all", "a: !!float 1e999\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a word for yes or no", "a: !!bool canary\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a word for nothing", "a: !!null canary\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
    ["a word for a number", "a: !!int 'canary'\n", "TAG_RESOLVE_FAILED at line 1, column 4"],
  ])("%s", (_what, text, sentence) => {
    let said = "";
    try {
      parseGoYaml(text);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(sentence);
    expect(said).not.toContain("canary");
  });
});
