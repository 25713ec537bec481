/** What the scripts of a new machine must not forget, and need not do. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

function read(name: string): string {
  return readFileSync(path.join(ROOT, name), "utf8");
}

describe("scripts/demo", () => {
  it("installs what it runs, and neither a browser nor helm, docker or virtual machines", () => {
    const script = read("scripts/demo");
    expect(script).toContain("needed=(packages npm control-plane)\n");
    expect(script).toContain('"$here/setup" "${needed[@]}"\n');
  });
});

describe("scripts/test", () => {
  it.each(["unit", "integration", "metal"])(
    "installs the Debian packages before %s, which run their programs",
    (step) => {
      expect(read("scripts/test")).toMatch(new RegExp(`^    ${step}\\) if setup packages\\b.*; then run_`, "m"));
    },
  );
});
