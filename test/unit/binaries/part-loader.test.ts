/** Parts that require each other, and what becomes of them when one of them throws. */
import { describe, expect, it } from "vitest";
import { partLoader } from "../../../scripts/binaries/part-loader.ts";

/** @param parts  texts by file; what they do is seen by `note`, a module that is no part */
function loaderOf(parts: Readonly<Record<string, string>>) {
  const noted: string[] = [];
  let failures = 1;
  const note = {
    say: (word: string) => void noted.push(word),
    failOnce: () => {
      if (failures-- > 0) throw new Error("too many open files");
    },
  };
  const load = partLoader({
    textOf: (file) => parts[file] ?? "",
    requireOther: (name) => (name === "note" ? note : undefined),
    place: ["/program", "/"],
  });
  return { load, noted };
}

describe("a part", () => {
  it("is run once, and sees what another one has until now where the two require each other", () => {
    const { load, noted } = loaderOf({
      "a.js": `exports.early = 1; exports.b = require("./b.js"); require("note").say("a")`,
      "b.js": `const a = require("./a.js"); exports.seen = Object.keys(a).join(); require("note").say("b in " + __filename)`,
    });
    expect(load("./a.js")).toEqual({ early: 1, b: { seen: "early" } });
    expect(load("./b.js")).toEqual({ seen: "early" });
    expect(noted).toEqual(["b in /program", "a"]);
  });

  it("that has thrown is run anew, with those that have half of it", () => {
    const { load, noted } = loaderOf({
      "kept.js": `require("note").say("kept")`,
      "a.js": `require("./kept.js"); require("./b.js"); require("note").failOnce(); exports.whole = true`,
      "b.js": `exports.a = require("./a.js")`,
    });
    load("./kept.js");
    expect(() => load("./a.js")).toThrow("too many open files");
    expect(load("./a.js")).toEqual({ whole: true });
    expect(load("./b.js")).toEqual({ a: { whole: true } });
    expect(noted).toEqual(["kept"]);
  });
});
