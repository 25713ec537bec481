/**
 * The order of our units in a systemd that runs: what waits for the registration waits for each of its attempts, whichever version it is.
 * A manager of a user, with a /run and a cgroup of its own; of the units all that says when they start, and scripts as their programs.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const UNITS = path.resolve(import.meta.dirname, "../../../systemd");
const OURS = ["register", "registered", "join"] as const;
/** Of ours, and read by the test in the order in which they came. */
const WAITING = ["rancherd", "k3s", "rke2-server", "ros-agent-runcmd"];
const KEPT =
  /^(\[.*\]|DefaultDependencies=|Type=|RemainAfterExit=|Restart|SuccessExitStatus=|StartLimit|TimeoutStartSec=infinity)/;
const RIGHTS =
  /^(CapabilityBoundingSet|NoNewPrivileges|RestrictAddressFamilies|Restrict\w+|LockPersonality|Memory\w+|RemoveIPC|SystemCall\w+|UMask)=/;
/** Ours and what waits for them: targets that are reached by then are left out. */
const ORDER = /^(Wants|Requires|After|Before)=(.*)$/;
const DEADLINE_MS = 40_000;
/** Of both versions, and of machines with a bit of each. */
const CGROUPS = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];

let folder: string;
let systemd: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync("/tmp/ros-order-");
  mkdirSync(path.join(folder, "units"));
});

afterEach(async () => {
  const ended = once(systemd, "exit");
  systemd.kill("SIGKILL");
  await ended;
  await removeCgroups(path.basename(folder));
  rmSync(folder, { recursive: true, force: true });
});

function log(): readonly string[] {
  const file = path.join(folder, "log");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

function unit(name: string, lines: readonly string[]): void {
  writeFileSync(path.join(folder, "units", name), `${lines.join("\n")}\n`);
}

/** @param script  in place of its program; where there is none its own is kept */
function ours(name: (typeof OURS)[number], script?: string): void {
  const lines = readFileSync(path.join(UNITS, `ros-agent-${name}.service`), "utf8").split("\n");
  const program = lines.find((line) => line.startsWith("ExecStart=")) ?? "";
  // With its own program, also what is kept from that: it has to reach systemd. Containers in which tests run let nobody hide mounts.
  const isOfOwnProgram = (line: string): boolean => script === undefined && RIGHTS.test(line);
  const kept = lines.flatMap((line) => {
    if (line.startsWith("RestartSec=")) return ["RestartSec=1"];
    if (line.startsWith("ConditionPathExists=/var/lib/rancheros-registration/"))
      return [`ConditionPathExists=${folder}/answer`];
    if (line.startsWith("ExecStart=")) {
      return [script === undefined ? program.replace("systemctl", "systemctl --user") : `ExecStart=${script}`];
    }
    const [, key, names = ""] = ORDER.exec(line) ?? [];
    const services = names.split(" ").filter((one) => one.endsWith(".service"));
    if (key !== undefined) return services.length === 0 ? [] : [`${key}=${services.join(" ")}`];
    return KEPT.test(line) || isOfOwnProgram(line) ? [line] : [];
  });
  const limit = kept.some((line) => line.startsWith("TimeoutStartSec=")) ? [] : ["[Service]", "TimeoutStartSec=2"];
  unit(`ros-agent-${name}.service`, [...kept, ...limit]);
}

/** A shell script that counts its calls in $n, from 1 on. */
function script(name: string, text: string): string {
  const file = path.join(folder, `${name}.sh`);
  const count = path.join(folder, `${name}.count`);
  const lines = [
    "#!/bin/sh",
    `echo x >> ${count}; n=$(wc -l < ${count})`,
    `say() { echo "$*" >> ${folder}/log; }`,
    text,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o755 });
  return file;
}

/** Starts the manager, and all units at once. @returns when all that waits has started */
async function startAll(): Promise<readonly string[]> {
  for (const name of WAITING) {
    const program = script(name, `say ${name}`);
    unit(`${name}.service`, ["[Unit]", "DefaultDependencies=no", "[Service]", "Type=oneshot", `ExecStart=${program}`]);
  }
  const wanted = ["ros-agent-register", "ros-agent-join", ...WAITING].map((name) => `${name}.service`);
  unit("all.target", ["[Unit]", "DefaultDependencies=no", `Wants=${wanted.join(" ")}`]);
  const line = [
    // A cgroup of its own: a manager moves whoever is in its own one.
    `for root in ${CGROUPS.join(" ")}; do`,
    '  [ ! -e "$root/cgroup.procs" ] || { mkdir "$root/$1" && echo $$ > "$root/$1/cgroup.procs"; }',
    "done",
    "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && mkdir -m 700 /run/own",
    "/lib/systemd/systemd --user --unit=all.target --log-target=console & wait",
  ].join("\n");
  const environment = { XDG_RUNTIME_DIR: "/run/own", SYSTEMD_UNIT_PATH: path.join(folder, "units"), HOME: folder };
  const args = [
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-c",
    line,
    "sh",
    path.basename(folder),
  ];
  systemd = spawn("unshare", args, {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: "ignore",
  });
  const endMs = performance.now() + DEADLINE_MS;
  while (WAITING.some((name) => !log().includes(name))) {
    if (performance.now() > endMs) throw new Error(`not all has started: ${log().join(", ")}`);
    await sleep(100);
  }
  return log();
}

/** As soon as the last process in them is gone. */
async function removeCgroups(name: string): Promise<void> {
  for (const folder of CGROUPS.map((root) => path.join(root, name))) {
    for (let attempt = 0; existsSync(folder) && attempt < 50; attempt += 1) {
      spawnSync("find", [folder, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
      await sleep(100);
    }
  }
}

describe("what waits for the registration", () => {
  it("waits for all attempts of it, and for what it makes of the machine", async () => {
    ours("register", script("register", `say "register $n"; [ "$n" -gt 1 ] || exec sleep 60; : > ${folder}/answer`));
    const join = script("join", `say "join $n"; [ -e ${folder}/tried ] || { : > ${folder}/tried; exit 8; }`);
    ours("join", join);
    ours("registered");
    const order = await startAll();
    expect(order.slice(0, 4)).toEqual([
      "register 1",
      "register 2",
      expect.stringMatching(/^join/),
      expect.stringMatching(/^join/),
    ]);
    expect(order.slice(4).toSorted()).toEqual(WAITING.toSorted());
  });

  it("starts without it where a person's mistake is in its way", async () => {
    ours("register", script("register", 'say "register $n"; exit 2'));
    ours("join", script("join", "say join"));
    ours("registered");
    const order = await startAll();
    expect(order[0]).toBe("register 1");
    expect(order.slice(1).toSorted()).toEqual(WAITING.toSorted());
  });
});
