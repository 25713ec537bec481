/** The script that runs every check and test: what it counts, and what it says at its end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

describe("scripts/test", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "whole-test-"));
    for (const name of ["scripts", "node_modules/.bin"]) mkdirSync(path.join(folder, name), { recursive: true });
    for (const name of ["test", "home.bash", "no-proxy.bash", "count-tests.ts"]) {
      cpSync(path.join(ROOT, "scripts", name), path.join(folder, "scripts", name));
    }
    for (const name of ["setup", "clean-killed-runs", "control-plane-binaries"]) script(`scripts/${name}`, "exit 0");
    symlinkSync(process.execPath, path.join(folder, "node_modules/.bin/node"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function script(name: string, lines: string): void {
    writeFileSync(path.join(folder, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
  }

  /** @param lines  what npm does for each step, whose name is "$step"; \`counts PASSED FAILED\` writes its results */
  function startWhole(lines: string): ReturnType<typeof spawn> {
    const counts = `counts() { printf '{"numPassedTests":%d,"numFailedTests":%d,"numPendingTests":0,"numTodoTests":0,"testResults":[]}' "$@" >"$file"; }`;
    script("npm", `step="$3" file="\${!#}" file="\${file#*=}"\n${counts}\n${lines}`);
    const PATH = `${folder}:${process.env["PATH"] ?? ""}`;
    const env = { PATH, HOME: folder, TMPDIR: folder, NO_PROXY: "example.com" };
    return spawn(path.join(folder, "scripts/test"), { env, stdio: ["ignore", "pipe", "inherit"] });
  }

  async function whole(lines: string): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
    const child = startWhole(lines);
    if (child.stdout === null) throw new Error("no pipe");
    const [said] = await Promise.all([text(child.stdout), once(child, "close")]);
    return { code: child.exitCode, lines: said.trimEnd().split("\n") };
  }

  const count = 'case "$step" in test:unit) counts 5 0 ;; test:site) counts 3 0 ;; test:*) counts 10 0 ;; esac';

  it("runs what is quick beside the integration tests, before the virtual machine, and counts all of it", async () => {
    const waits = `while [[ -d ${folder} && ! -e ${folder}/unit-ran ]]; do sleep 0.05; done`;
    const beside = `case "$step" in test:unit) : >${folder}/unit-ran ;; test:integration) ${waits} ;; esac`;
    const alone = `[[ "$step" != test:metal ]] || ls ${folder}/site-ran || exit 1; [[ "$step" != test:site ]] || : >${folder}/site-ran`;
    const { code, lines } = await whole(`${beside}\n${alone}\n${count}`);
    // Four steps that are one each, 5, 3, and twice 10.
    expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: "32 passed, 0 failed" });
    const summary = lines.slice(lines.findLastIndex((line) => line.startsWith("-- what ran")));
    for (const step of ["format", "lint", "types", "layers"]) {
      expect(summary).toContainEqual(expect.stringMatching(new RegExp(`^${step} +\\d+ s   passed$`)));
    }
    expect(summary).toContainEqual(expect.stringMatching(/^unit +\d+ s   5 passed, 0 failed$/));
    expect(summary).toContainEqual(expect.stringMatching(/^integration +\d+ s   10 passed, 0 failed$/));
  });

  it("lets no proxy between tests and the servers that they start, beside those whom somebody has named", async () => {
    const { lines } = await whole(`echo "$step: $NO_PROXY $no_proxy"\n${count}`);
    const list = "127.0.0.1,localhost,example.com";
    for (const name of ["unit", "site", "integration", "metal"])
      expect(lines).toContain(`test:${name}: ${list} ${list}`);
  });

  it("has failed where something that ran beside has, and shows what it said", async () => {
    const failed = await whole(`[[ "$step" != lint ]] || { echo what is wrong; exit 1; }\n${count}`);
    expect({ code: failed.code, last: failed.lines.at(-1) }).toEqual({ code: 1, last: "31 passed, 1 failed" });
    expect(failed.lines).toContain("what is wrong");
  });

  it("names at its end what failed in a step, and why, as of long output the end alone may be kept", async () => {
    const test = {
      status: "failed",
      fullName: "a machine joins",
      failureMessages: ["Error: it did not\n    at x.ts:1"],
    };
    const files = [
      { name: path.join(folder, "a.test.ts"), status: "failed", assertionResults: [test] },
      {
        name: path.join(folder, "b.test.ts"),
        status: "failed",
        message: `no port ${"x".repeat(400)}`,
        assertionResults: [],
      },
    ];
    const numbers = { numPassedTests: 4, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };
    const results = path.join(folder, "of-unit.json");
    writeFileSync(results, JSON.stringify({ ...numbers, testResults: files }));
    const { code, lines } = await whole(`${count}\n[[ "$step" != test:unit ]] || { cp ${results} "$file"; exit 1; }`);
    expect({ code, last: lines.at(-1) }).toEqual({ code: 1, last: "31 passed, 2 failed" });
    const unit = lines.findLastIndex((line) => /^unit .*4 passed, 2 failed$/.test(line));
    expect(lines.slice(unit + 1, unit + 3)).toEqual([
      "a.test.ts > a machine joins: Error: it did not",
      `b.test.ts: no port ${"x".repeat(292)}…`,
    ]);
  });

  it("has failed where what ran beside was broken off, and shows where", async () => {
    // npm's parent is timeout, and that one's the script that runs what is quick.
    const kill = 'kill -KILL "$(ps -o ppid= "$PPID" | tr -d " ")"';
    const broken = await whole(`[[ "$step" != types ]] || { ${kill}; sleep 60; }\n${count}`);
    expect({ code: broken.code, last: broken.lines.at(-1) }).toEqual({ code: 1, last: "20 passed, 1 failed" });
    expect(broken.lines).toContainEqual(expect.stringMatching(/^format .*BROKEN OFF$/));
  });

  it("ends all that it has begun when it is told to end", async () => {
    const child = startWhole(`echo $$ >${folder}/pid-$step; exec sleep 60`);
    const pidOf = (step: string): number => Number(readFileSync(path.join(folder, `pid-${step}`), "utf8"));
    await expect
      .poll(() => ["format:check", "test:integration"].map(pidOf).every((pid) => pid > 0), { timeout: 20_000 })
      .toBe(true);
    const pids = ["format:check", "test:integration"].map(pidOf);
    child.kill("SIGTERM");
    await once(child, "close");
    expect(child.exitCode).toBe(143);
    for (const pid of pids) await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
  });

  it.each(["unit", "integration", "metal"])(
    "installs the Debian packages before %s, which run their programs",
    (step) => {
      expect(readFileSync(path.join(ROOT, "scripts/test"), "utf8")).toMatch(
        new RegExp(`^    ${step}\\) if setup packages\\b.*; then run_`, "m"),
      );
    },
  );
});
