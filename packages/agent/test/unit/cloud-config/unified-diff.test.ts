/** Diffs, held against patch(1): it makes the new text of the old one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { unifiedDiff } from "../../../src/cloud-config/unified-diff.ts";

it("of equal texts is empty, and of a new file begins with /dev/null", () => {
  expect(unifiedDiff("/a", "x\n", "x\n")).toBe("");
  expect(unifiedDiff("/a", undefined, "x\n")).toBe("--- /dev/null\n+++ b/a\n@@ -0,0 +1,1 @@\n+x\n");
  expect(unifiedDiff("/a", "a\nb\n", "a\nc")).toBe(
    "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n",
  );
});

it("is what patch makes the new text of", () => {
  const folder = mkdtempSync(join(tmpdir(), "diff-"));
  try {
    const lines = fc.array(fc.constantFrom("a", "b", "c", "", "--- x", "+++ y"), { maxLength: 30 });
    const text = fc
      .tuple(lines, fc.boolean())
      .map(([all, ends]) => all.join("\n") + (ends && all.length > 0 ? "\n" : ""));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        const file = join(folder, "text");
        writeFileSync(file, before);
        execFileSync("patch", ["--silent", "--no-backup-if-mismatch", file], {
          input: unifiedDiff("/text", before, after),
        });
        // patch takes a file away that has become empty.
        expect(after === "" ? "" : readFileSync(file, "utf8")).toBe(after);
      }),
      { numRuns: 30 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
