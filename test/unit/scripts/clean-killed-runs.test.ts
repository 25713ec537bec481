/** What is left of tests and demos that were killed, and goes when somebody has not used it for a day. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const DAY_S = 24 * 3600;

let folder: string;
let started: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "killed-runs-"));
  started = [];
});
afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function makeOld(name: string, ageS = 2 * DAY_S): string {
  const made = path.join(folder, name);
  mkdirSync(path.join(made, "m1"), { recursive: true });
  writeFileSync(path.join(made, "m1/file"), "x");
  chmodSync(made, 0o700);
  const whenS = Date.now() / 1000 - ageS;
  utimesSync(made, whenS, whenS);
  return made;
}

/** A process with these arguments, which waits for a line that does not come. */
async function start(name: string, ...args: readonly string[]): Promise<ChildProcess> {
  return startLine("read -r line", name, args);
}

async function startLine(line: string, name: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn("bash", ["-c", line, ...args], { argv0: name, stdio: ["pipe", "ignore", "ignore"] });
  started.push(child);
  await once(child, "spawn");
  return child;
}

/** As the real one: it has a child that names the folder too. */
async function startShim(of: string): Promise<ChildProcess> {
  const recorder = `bash -c 'echo >${of}/recorder-is-up; read -r line' record-output ${of}/n1/root; true`;
  const args = ["-namespace", "default", "-address", `${of}/n1/c/containerd.sock`];
  const { mtimeMs } = statSync(of);
  const shim = await startLine(recorder, "/cache/containerd-shim-runc-v2", args);
  await expect.poll(() => existsSync(path.join(of, "recorder-is-up")), { timeout: 10_000 }).toBe(true);
  utimesSync(of, mtimeMs / 1000, mtimeMs / 1000);
  return shim;
}

/** @returns what lies in the folder afterwards */
function clean(): readonly string[] {
  const { status, stderr } = spawnSync(path.join(ROOT, "scripts/clean-killed-runs"), [folder], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", XDG_CACHE_HOME: path.join(folder, "cache") },
    timeout: 60_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return readdirSync(folder).toSorted();
}

describe("scripts/clean-killed-runs", () => {
  it("takes what tests and demos left days ago, and nothing that is young, in use, or named otherwise", async () => {
    await start(makeOld("ws-inUse1"));
    await start("etcd", `--listen=unix://${makeOld("rancheros-demo-inUse1")}/etcd.sock`);
    for (const name of ["ws-abcdef", "wb-ABC123", "rancheros-test-a1b2c3", "rancheros-demo-a1b2c3"]) makeOld(name);
    for (const name of ["mine", "ws-notes-of-mine", "rancheros-demo-notes"]) makeOld(name);
    for (const name of ["ws-young1", "rancheros-demo-young1"]) makeOld(name, DAY_S / 2);
    rmSync(path.join(makeOld("ws-theirs"), "m1"), { recursive: true });
    utimesSync(path.join(folder, "ws-theirs"), 1, 1);
    chmodSync(makeOld("ws-opened"), 0o755);
    for (const name of [".making-node-abcdef", "control-plane"]) makeOld(`cache/rancheros-operator/${name}`);
    makeOld("cache/rancheros-operator/.making-helm-abcdef", DAY_S / 2);
    expect(clean()).toEqual([
      "cache",
      "mine",
      "rancheros-demo-inUse1",
      "rancheros-demo-notes",
      "rancheros-demo-young1",
      "ws-inUse1",
      "ws-notes-of-mine",
      "ws-opened",
      "ws-theirs",
      "ws-young1",
    ]);
    expect(readdirSync(path.join(folder, "cache/rancheros-operator")).toSorted()).toEqual([
      ".making-helm-abcdef",
      "control-plane",
    ]);
  });

  it("ends the containers' shims of who was killed, and no other process that names such a folder", async () => {
    const dead = makeOld("rancheros-demo-dead12");
    const alive = makeOld("rancheros-demo-alive1");
    const ofDead = await startShim(dead);
    const ofAlive = await startShim(alive);
    const demo = await start("containerd", "--config", `${alive}/n1/c/config.toml`);
    const gone = once(ofDead, "exit");
    expect(clean()).toEqual(["rancheros-demo-alive1"]);
    expect(await gone).toEqual([null, "SIGKILL"]);
    for (const { pid } of [ofAlive, demo]) expect(existsSync(`/proc/${pid}`)).toBe(true);
  });

  it("is run by each demo and each test, before they start anything", () => {
    for (const name of ["demo", "test"]) {
      const script = readFileSync(path.join(ROOT, "scripts", name), "utf8");
      expect(script).toMatch(/^(run|stoppable timeout) 300 .*clean-killed-runs.* \|\| true\b/m);
    }
  });
});
