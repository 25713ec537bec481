/** Set-up that is told to end by a signal to the script alone, as supervisors send it: what it runs ends too. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

let folder: string;
let pids: Set<number>;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "stopped-set-up-"));
  pids = new Set();
  for (const name of ["bin", "node_modules/.bin"]) mkdirSync(path.join(folder, name), { recursive: true });
  cpSync(path.join(ROOT, "scripts"), path.join(folder, "scripts"), { recursive: true });
  writeFileSync(path.join(folder, "package-lock.json"), "{}");
  symlinkSync(process.execPath, path.join(folder, "node_modules/.bin/node"));
});
afterEach(() => {
  for (const pid of pids) if (isThere(pid)) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function program(name: string, lines: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
}

/** Is at work for a minute, and keeps its pid. */
const WORKS = 'echo $$ >"$AT_WORK"; exec sleep 60';

function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

function start(script: string, ...args: string[]): ReturnType<typeof spawn> {
  const atWork = path.join(folder, "at-work");
  const env = { PATH: `${folder}/bin:/usr/bin:/bin`, HOME: folder, TMPDIR: folder, AT_WORK: atWork };
  const child = spawn(path.join(folder, "scripts", script), args, { env, stdio: "ignore" });
  pids.add(child.pid ?? Number.NaN);
  return child;
}

async function pidAtWork(): Promise<number> {
  const file = path.join(folder, "at-work");
  const read = (): number => (existsSync(file) ? Number(readFileSync(file, "utf8")) : 0);
  await expect.poll(read, { timeout: 20_000 }).toBeGreaterThan(0);
  pids.add(read());
  return read();
}

/** @returns the exit status, once what was at work is gone too */
async function stopped(child: ReturnType<typeof spawn>, signal: NodeJS.Signals): Promise<number | null> {
  const pid = await pidAtWork();
  child.kill(signal);
  const [status] = (await once(child, "exit", { signal: AbortSignal.timeout(20_000) })) as [number | null];
  expect(isThere(pid)).toBe(false);
  return status;
}

it.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 143],
] as const)("scripts/setup ends at %s to itself the script that it runs", async (signal, status) => {
  program("scripts/control-plane-binaries", WORKS);
  expect(await stopped(start("setup", "control-plane"), signal)).toBe(status);
});

it.each([
  ["containerd", "containerd-binaries"],
  ["docker", "docker-binaries"],
  ["helm", "helm-binary"],
  ["helm", "promtool-binary"],
])("scripts/setup ends in step %s %s too", async (step, name) => {
  program("scripts/helm-binary", "exit 0");
  program(`scripts/${name}`, WORKS);
  expect(await stopped(start("setup", "--quiet", step), "SIGTERM")).toBe(143);
});

it.each([
  ["demo"],
  ["test", "unit"],
  ["bench"],
  ["drain-parity"],
  ["fuzz"],
  ["rollout-kills"],
  ["build-site"],
  ["ros-agent"],
  ["rancheros-operator"],
  ["build-agent"],
])("scripts/%s ends the set-up that it begins with", async (name, ...args) => {
  program("scripts/setup", WORKS);
  program("scripts/clean-killed-runs", "exit 0");
  expect(await stopped(start(name, ...args), "SIGTERM")).toBe(143);
});

it("scripts/setup ends at once also while it waits for another one, and leaves the lock to who waits", async () => {
  program("bin/npm", "echo 11.0.0");
  program("bin/node", "echo v26.10.0");
  program("bin/df", "echo Avail; echo 99999");
  program(
    "bin/flock",
    `[[ "$1" == --timeout ]] || exec /usr/bin/flock "$@"\necho $$ >"$AT_WORK"; exec /usr/bin/flock "$@"`,
  );
  const lock = path.join(folder, "package-lock.json");
  const holder = spawn("/usr/bin/flock", [lock, "sleep", "60"], { stdio: "ignore", detached: true });
  try {
    const held = ["--nonblock", lock, "true"];
    const isFree = async (): Promise<boolean> => (await once(spawn("/usr/bin/flock", held), "exit"))[0] === 0;
    await expect.poll(isFree, { timeout: 20_000 }).toBe(false);
    expect(await stopped(start("setup", "npm"), "SIGTERM")).toBe(143);
    process.kill(-(holder.pid ?? Number.NaN), "SIGKILL");
    await expect.poll(isFree, { timeout: 20_000 }).toBe(true);
  } finally {
    if (holder.exitCode === null && holder.signalCode === null) process.kill(-(holder.pid ?? Number.NaN), "SIGKILL");
  }
});
