/** What V8 is told, wherever a program is started from. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { programNamed } from "../../../scripts/binaries/programs.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const { execArgv } = programNamed("rancheros-operator");

describe("the operator's flags for V8", () => {
  it("are those of the executable where it runs from the checkout", () => {
    const script = readFileSync(path.join(ROOT, "scripts/rancheros-operator"), "utf8");
    expect(script).toContain(`/node_modules/.bin/node" ${execArgv.join(" ")} "`);
  });

  it("are known to this Node", () => {
    expect(execFileSync(process.execPath, [...execArgv, "--print", "1"], { encoding: "utf8" })).toBe("1\n");
  });
});
