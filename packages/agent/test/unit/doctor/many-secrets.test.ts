/** A machine with more secrets than can be looked for gets its archive, without what others wrote. */
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import type { ArchiveFacts } from "../../../src/doctor/archive/archive-parts.ts";
import { makeArchive } from "../../../src/doctor/archive/make-archive.ts";

const facts: ArchiveFacts = {
  report: { ok: true, findings: [], failure: undefined, warning: undefined },
  reportText: "the report, with hunterin, morningstar and line-00007-of-it-all\n",
  versions: { version: "1", commit: undefined, node: "26", platform: "linux" },
  kernel: "6.12",
  osRelease: "",
  commandLine: "",
  target: { kind: "none", because: "" },
  operator: undefined,
  registered: undefined,
  state: undefined,
  slots: "this machine has none",
  units: undefined,
  journals: new Map([["x.service", "a line of the journal\n"]]),
  nowMs: 0,
};
const tree = (path: string, text: string) => ({ path, kind: "tree", text }) as const;
const manifest = Array.from(
  { length: 9_000 },
  (_one, at) => `      line-${String(at).padStart(5, "0")}-of-it-all is value-${at}-of-them\n`,
);
const LARGE = tree("/oem/large.yaml", `write_files:\n  - path: /x.yaml\n    content: |\n${manifest.join("")}`);
const SMALL = [tree("/oem/a.yaml", "token: hunterin\n"), tree("/oem/z.yaml", "password: morningstar\n")];

function archived(files: readonly { path: string; kind: "tree"; text: string }[]): string {
  return gunzipSync(makeArchive({ facts, secrets: { files, unread: [] }, environment: {} }).bytes).toString("latin1");
}

describe("an archive of a machine with a large manifest in its cloud-config", () => {
  const text = (): string => archived([...SMALL.slice(0, 1), LARGE, ...SMALL.slice(1)]);

  it("is made without journals, and says which file is to blame", () => {
    expect(text()).toContain("journal/LEFT-OUT.txt");
    expect(text()).toMatch(/The journals are left out: .*\/oem\/large\.yaml/);
    expect(text()).not.toContain("a line of the journal");
  });

  it("has no secret of the other files, and none of what could still be looked for of this one", () => {
    expect(text()).toContain("the report, with [removed], [removed] and [removed]\n");
  });

  it("leaves nothing out where there is no such file", () => {
    expect(archived(SMALL)).toContain("a line of the journal");
  });
});
