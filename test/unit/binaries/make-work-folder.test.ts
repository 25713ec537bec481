import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { makeWorkFolder } from "../../../scripts/binaries/make-work-folder.ts";

it("is empty, and the only one: a build that was stopped has left nothing after the next", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "work-folder-"));
  try {
    for (const name of ["ros-agent", ".ros-agent.inputs", ".buildings"]) writeFileSync(path.join(folder, name), "x");
    for (let builds = 0; builds < 2; builds += 1) {
      const work = makeWorkFolder(folder);
      expect(readdirSync(work)).toEqual([]);
      expect(readdirSync(folder).toSorted()).toEqual([
        path.basename(work),
        ".buildings",
        ".ros-agent.inputs",
        "ros-agent",
      ]);
      mkdirSync(path.join(work, "assets"));
      writeFileSync(path.join(work, "assets/node"), "x");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
