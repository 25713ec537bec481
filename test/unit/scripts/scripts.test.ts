/** What the scripts of a new machine must not forget, and need not do. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

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

describe("scripts/apt-update", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "apt-update-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @param lines  an apt-get in shell; "$asked" is a file with a letter for each time that it ran */
  function aptUpdate(lines: string): { status: number | null; stdout: string; times: number } {
    const asked = path.join(folder, "asked");
    writeFileSync(asked, "");
    const program = path.join(folder, "apt-get");
    writeFileSync(program, `#!/bin/sh\nasked=${asked}\nprintf x >>"$asked"\n${lines}\n`);
    chmodSync(program, 0o755);
    const { status, stdout } = spawnSync(path.join(ROOT, "scripts/apt-update"), ["-qq"], {
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
      timeout: 60_000,
    });
    return { status, stdout, times: readFileSync(asked, "utf8").length };
  }

  it("waits for who holds the lock on the lists", () => {
    const lines = `if [ "$(cat "$asked")" = x ]; then echo "E: Could not get lock /l" >&2; exit 100; fi; echo "read $*"`;
    expect(aptUpdate(lines)).toEqual({ status: 0, stdout: "read -qq update\n", times: 2 });
  });

  it("says at once what else is wrong", () => {
    const lines = `echo "E: Could not resolve 'deb'" >&2; exit 100`;
    expect(aptUpdate(lines)).toEqual({ status: 100, stdout: "E: Could not resolve 'deb'\n", times: 1 });
  });
});
