/** The one thing that the first program of a slot writes for GRUB: it has no GRUB there to ask. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readGrubEnvironment, writeGrubEnvironment } from "../../../src/slots/grub-environment.ts";

const PROGRAM = readFileSync(new URL("../../../../../boot/image/init", import.meta.url), "utf8");
const [, FUNCTIONS = ""] = /^(prepare_words\(\) \{.*?)^if /ms.exec(PROGRAM) ?? [];
const WORDS = { good: "b", try: "", reset: "1", extra: "console=ttyS0 reset=1" };

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "first-program-"));
  path = join(folder, "grubenv");
});

afterEach(() => rmSync(folder, { recursive: true }));

function call(name: "prepare_words" | "forget_reset"): boolean {
  try {
    execFileSync("sh", ["-c", `sync() { :; }\n${FUNCTIONS}\n${name}`], { env: { ...process.env, grubenv: path } });
    return true;
  } catch {
    return false;
  }
}

describe("the words of GRUB after a reset", () => {
  it("lie ready before anything is wiped, and lack only that a reset is to come", () => {
    const before = writeGrubEnvironment(new Map(Object.entries(WORDS)));
    writeFileSync(path, before);
    expect(call("prepare_words")).toBe(true);
    expect(readFileSync(path)).toEqual(before);
    expect(call("forget_reset")).toBe(true);
    expect(Object.fromEntries(readGrubEnvironment(readFileSync(path)))).toEqual({ ...WORDS, reset: "" });
  });

  it.each([
    ["no block", ""],
    ["half a block", "# GRUB Environment Block\ngood=a\nreset=1"],
    ["nonsense", "x".repeat(1024)],
  ])("are not made of %s", (_name, text) => {
    writeFileSync(path, text);
    expect(call("prepare_words")).toBe(false);
  });
});
