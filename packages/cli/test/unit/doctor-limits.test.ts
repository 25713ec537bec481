/** How long doctor takes at most is said in three places, and is one thing. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ARCHIVE_LIMIT_MS, CHECKS_LIMIT_MS, TPM_CLOSE_LIMIT_MS } from "@rancheros/agent/doctor";

import { Doctor } from "../../src/commands/doctor.ts";

it.each([
  ["docs/doctor.md", readFileSync(new URL("../../../../docs/doctor.md", import.meta.url), "utf8")],
  ["doctor --help", Doctor.description],
])("%s says how long doctor may take", (_where, text) => {
  const words =
    /ends within (\d+) seconds,? whatever hangs; an archive may take (\d+) more, and taking keys out of a slow TPM (\d+)\./;
  const said = (words.exec(text) ?? []).slice(1).map((seconds) => Number(seconds) * 1000);
  expect(said).toEqual([CHECKS_LIMIT_MS, ARCHIVE_LIMIT_MS, TPM_CLOSE_LIMIT_MS]);
});
