/** What people start for a night and stop by Ctrl-C leaves neither folders nor processes. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "own-folder-"));
  for (const name of ["tmp", "node_modules/.bin"]) mkdirSync(path.join(folder, name), { recursive: true });
  cpSync(path.join(ROOT, "scripts"), path.join(folder, "scripts"), { recursive: true });
  program("scripts/setup", "exit 0");
});
afterEach(() => {
  if (existsSync(`/proc/${serverPid()}`)) process.kill(serverPid(), "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Of what a command has started that writes on; NaN where none has. */
function serverPid(): number {
  const file = path.join(folder, "up");
  return existsSync(file) ? Number.parseInt(readFileSync(file, "utf8"), 10) : Number.NaN;
}

function program(name: string, lines: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
}

function options(): { readonly env: Record<string, string>; readonly cwd: string } {
  const env = { PATH: "/usr/bin:/bin", HOME: folder, TMPDIR: path.join(folder, "tmp"), UP: path.join(folder, "up") };
  return { env, cwd: folder };
}

function left(): readonly string[] {
  return readdirSync(path.join(folder, "tmp"), { recursive: true, encoding: "utf8" });
}

describe.each([
  ["rollout-kills", "vitest"],
  ["drain-parity", "vitest"],
  ["drain-parity --all", "node"],
])("scripts/%s", (command, runs) => {
  const [script = "", ...args] = command.split(" ");

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("leaves nothing at %s", async (signal, status) => {
    // As vitest, which does nothing at its end by a signal; what it has started writes for a moment more.
    const server = `trap '' INT TERM; while sleep 0.05; do mkdir -p $folder/log; date >$folder/log/$RANDOM; done`;
    program(
      `node_modules/.bin/${runs}`,
      `folder="$(mktemp -d)"; folder=$folder bash -c '${server}' & echo $! >"$UP"; exec sleep 60`,
    );
    const child = spawn(path.join(folder, "scripts", script), args, { ...options(), stdio: "ignore", detached: true });
    await expect.poll(serverPid, { timeout: 20_000 }).toBeGreaterThan(0);
    await expect.poll(left, { timeout: 20_000 }).not.toEqual([]);
    // As a terminal does.
    process.kill(-(child.pid ?? Number.NaN), signal);
    const [code] = (await once(child, "exit", { signal: AbortSignal.timeout(20_000) })) as [number | null];
    expect({ code, left: left(), server: existsSync(`/proc/${serverPid()}`) }).toEqual({
      code: status,
      left: [],
      server: false,
    });
  });

  it("keeps the logs of what has failed, says where, and fails", () => {
    program(`node_modules/.bin/${runs}`, 'echo why >"$(mktemp -d)/log"; exit 3');
    const { status, stderr } = spawnSync(path.join(folder, "scripts", script), args, {
      ...options(),
      encoding: "utf8",
    });
    expect(status).toBe(3);
    const kept = /what it has left is in (\S+)\n/.exec(stderr)?.[1] ?? "";
    expect(path.dirname(kept)).toBe(path.join(folder, "tmp"));
    expect(left().filter((name) => name.endsWith("/log"))).toHaveLength(1);
  });

  it("leaves nothing where all is well", () => {
    program(`node_modules/.bin/${runs}`, 'echo why >"$(mktemp -d)/log"');
    const { status, stderr } = spawnSync(path.join(folder, "scripts", script), args, {
      ...options(),
      encoding: "utf8",
    });
    expect({ status, stderr, left: left() }).toEqual({ status: 0, stderr: "", left: [] });
  });
});
