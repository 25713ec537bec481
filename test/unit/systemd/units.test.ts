/** The units, looked at by systemd itself: nothing in them that it does not understand, no circle, and no more rights than before. */
import { execFile } from "node:child_process";
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const UNITS = fileURLToPath(new URL("../../../systemd/", import.meta.url));
const LIVE_UNIT = fileURLToPath(new URL("../../../boot/image/live/ros-agent-install.service", import.meta.url));
const SYSTEM_UNITS = "/usr/lib/systemd/system";

/**
 * Tenths of `systemd-analyze security` (systemd 252 counts so; later ones know more, and count alike): the lower, the less
 * the unit may do. Those above 80 start what may be anything: upgrades of the whole system, an administrator's commands.
 */
const EXPOSURE: Readonly<Record<string, number>> = {
  "ros-agent.service": 95,
  "ros-agent-boot-check.service": 92,
  "ros-agent-boot-fallback.service": 10,
  "ros-agent-config.service": 31,
  "ros-agent-join.service": 31,
  "ros-agent-register.service": 23,
  "ros-agent-registered.service": 12,
  "ros-agent-runcmd.service": 96,
};

/** Keys that came with systemd 253 and 254: older ones say that they leave them out. */
const NEWER =
  /Unknown key(?: name)? '(OpenFile|RestartSteps|RestartMaxDelaySec|RestartMode)' in section '?\[?Service\]?'?, ignoring/;

let root: string;
let units: readonly string[];

/** A root with Debian's units, ours installed as an image does, and programs in the places that they name. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "units-"));
  units = (await readdir(UNITS)).filter((name) => name.endsWith(".service")).sort();
  await cp(SYSTEM_UNITS, join(root, SYSTEM_UNITS), { recursive: true, verbatimSymlinks: true });
  for (const program of ["usr/bin/ros-agent", "bin/true", "bin/sh"]) {
    await mkdir(join(root, program, ".."), { recursive: true });
    await writeFile(join(root, program), "#!/bin/sh\n", { mode: 0o755 });
  }
  for (const unit of units) {
    await copyFile(join(UNITS, unit), join(root, SYSTEM_UNITS, unit));
    const [, target] = /^WantedBy=(.+)$/m.exec(await readFile(join(UNITS, unit), "utf8")) ?? [];
    if (target === undefined) continue;
    const wants = join(root, "etc/systemd/system", `${target}.wants`);
    await mkdir(wants, { recursive: true });
    await symlink(join(SYSTEM_UNITS, unit), join(wants, unit));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function analyze(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const environment = { ...process.env, SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" };
  return promisify(execFile)("systemd-analyze", [...args], { env: environment }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as {
        readonly code: unknown;
        readonly stdout: string;
        readonly stderr: string;
      };
      if (typeof code !== "number") throw error;
      return { code, output: stdout + stderr };
    },
  );
}

const WAITING = ["rancherd.service", "k3s.service", "k3s-agent.service", "rke2-server.service", "rke2-agent.service"];

/**
 * As systemd itself puts it, with its own units, ours, and units of those that come with an operating system.
 * @returns  for a unit all that it is started after
 */
async function startOrder(): Promise<(unit: string) => ReadonlySet<string>> {
  const folder = join(root, SYSTEM_UNITS);
  const wanted = [...WAITING, "ssh.service"];
  for (const unit of wanted) {
    const text = "[Unit]\nAfter=network.target\n[Service]\nExecStart=/bin/true\n";
    await writeFile(join(folder, unit), text, { flag: "wx" }).catch(() => undefined);
  }
  const wants = async (target: string, links: Readonly<Record<string, string>>): Promise<void> => {
    await mkdir(join(folder, `${target}.wants`), { recursive: true });
    for (const [name, to] of Object.entries(links)) {
      await symlink(`../${to}`, join(folder, `${target}.wants`, name)).catch(() => undefined);
    }
  };
  const same = (names: readonly string[]): Readonly<Record<string, string>> =>
    Object.fromEntries(names.map((name) => [name, name]));
  await wants("multi-user.target", same([...wanted, ...units.filter((unit) => !/config|fallback/.test(unit))]));
  await wants("sysinit.target", same(["ros-agent-config.service"]));
  await wants("getty.target", {
    "getty@tty1.service": "getty@.service",
    "serial-getty@ttyS0.service": "serial-getty@.service",
  });
  await chmod(root, 0o755);
  // Nothing is started: it says what it would do. It refuses to as root.
  const args = ["/lib/systemd/systemd", "--test", "--system", "--unit=multi-user.target", "--no-pager"];
  const asNobody = process.getuid?.() === 0 ? ["--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  const { stdout } = await promisify(execFile)("setpriv", [...asNobody, ...args], {
    env: { SYSTEMD_UNIT_PATH: folder, XDG_RUNTIME_DIR: root, HOME: "/" },
    maxBuffer: 64 * 1024 * 1024,
  });
  const after = new Map<string, Set<string>>();
  let current = new Set<string>();
  for (const line of stdout.split("\n")) {
    const [, unit] = /^\t-> Unit (.+):$/.exec(line) ?? [];
    if (unit !== undefined) after.set(unit, (current = new Set()));
    const [, before] = /^\t\tAfter: (\S+)/.exec(line) ?? [];
    if (before !== undefined) current.add(before);
  }
  return (unit) => {
    const found = new Set<string>();
    const more = [unit];
    for (let next = more.pop(); next !== undefined; next = more.pop()) {
      for (const before of after.get(next) ?? []) {
        if (!found.has(before)) more.push(before);
        found.add(before);
      }
    }
    return found;
  };
}

describe("our units", () => {
  it("are understood by systemd, with all that a start of the machine brings along", async () => {
    const { output } = await analyze(["verify", `--root=${root}`, "--man=no", ...units, "multi-user.target"]);
    const lines = output.split("\n").filter((line) => line.trim() !== "" && !NEWER.test(line));
    // Debian's own units name programs of packages that this root lacks.
    expect(lines.filter((line) => /ros-agent|cycle/i.test(line))).toEqual([]);
  });

  it("are all judged here", () => {
    expect(units).toEqual(Object.keys(EXPOSURE).sort());
  });

  it.each(Object.entries(EXPOSURE))("%s has no more rights than its work needs", async (unit, threshold) => {
    const args = ["security", "--offline=true", `--threshold=${threshold}`, "--no-pager", join(UNITS, unit)];
    const { code, output } = await analyze(args);
    expect(code, output).toBe(0);
  });

  it("run the registration, which is what speaks with the network, as nobody in particular", async () => {
    const text = await readFile(join(UNITS, "ros-agent-register.service"), "utf8");
    expect(text).toMatch(/^DynamicUser=yes$/m);
    expect(text).toMatch(/^CapabilityBoundingSet=CAP_DAC_READ_SEARCH$/m);
  });

  it("let the registration use the TPM as the group that owns it", async () => {
    const register = await readFile(join(UNITS, "ros-agent-register.service"), "utf8");
    const [, group = "none"] = /^SupplementaryGroups=(\w+)$/m.exec(register) ?? [];
    expect(await readFile(join(UNITS, "udev/60-ros-agent.rules"), "utf8")).toContain(`MODE="0660", GROUP="${group}"`);
    expect(await readFile(join(UNITS, "sysusers.d/ros-agent.conf"), "utf8")).toContain(`g ${group} `);
  });

  it("do not leave a slot for what a person's configuration does wrong", async () => {
    const check = await readFile(join(UNITS, "ros-agent-boot-check.service"), "utf8");
    for (const part of ["config", "join", "register", "runcmd"]) {
      expect(check).toContain(` --ignore-unit ros-agent-${part}.service`);
    }
  });

  it.each(["ros-agent-config.service", "ros-agent-join.service"])("%s tries again, and not for ever", async (unit) => {
    const text = await readFile(join(UNITS, unit), "utf8");
    expect(text).toMatch(/^RestartPreventExitStatus=2$/m);
    const [, seconds] = /^RestartSec=(\d+)$/m.exec(text) ?? [];
    const [, burst] = /^StartLimitBurst=(\d+)$/m.exec(text) ?? [];
    const [, minutes] = /^StartLimitIntervalSec=(\d+)min$/m.exec(text) ?? [];
    const [, limit] = /^TimeoutStartSec=(\d+)$/m.exec(text) ?? [];
    // Where attempts take as long as they may, the limit has to be met all the same: what waits for them starts then.
    expect((Number(seconds) + Number(limit)) * Number(burst)).toBeLessThan(Number(minutes) * 60);
  });

  it("end when the machine goes down, and none is started any more: the one that restarts it least of all", async () => {
    for (const unit of units) {
      const text = await readFile(join(UNITS, unit), "utf8");
      if (!/^DefaultDependencies=no$/m.test(text)) continue;
      expect(text, unit).toMatch(/^Conflicts=.*\bshutdown\.target\b/m);
      expect(text, unit).toMatch(/^Before=.*\bshutdown\.target\b/m);
    }
  });

  it("apply the answer of a registration that succeeds at a later attempt", async () => {
    const register = await readFile(join(UNITS, "ros-agent-register.service"), "utf8");
    for (const wanted of ["join", "registered"]) {
      expect(register).toMatch(new RegExp(`^Wants=.*\\bros-agent-${wanted}\\.service\\b`, "m"));
    }
    expect(register).toMatch(/^Restart=on-failure$/m);
    expect(register).toMatch(/^RestartMode=direct$/m);
    expect(register).toMatch(/^TimeoutStartSec=\d+min$/m);
  });

  it("let an administrator log in while the registration waits for an operator, and rancherd, k3s and RKE2 wait with it", async () => {
    const order = await startOrder();
    const register = "ros-agent-register.service";
    const registered = "ros-agent-registered.service";
    for (const unit of WAITING) for (const first of [register, registered]) expect(order(unit), unit).toContain(first);
    expect(order(registered)).toContain("ros-agent-join.service");
    for (const unit of [
      "getty@tty1.service",
      "serial-getty@ttyS0.service",
      "ssh.service",
      "systemd-user-sessions.service",
    ]) {
      expect(order(unit), unit).toContain("sysinit.target");
      for (const late of [register, registered, "multi-user.target", ...WAITING])
        expect(order(unit), unit).not.toContain(late);
    }
    for (const unit of ["ros-agent.service", "ros-agent-boot-check.service"])
      for (const late of [register, registered]) expect(order(unit)).not.toContain(late);
  });

  it.each(["ros-agent-config.service", "ros-agent-join.service"])("%s, which is root, has no network", async (unit) => {
    expect(await readFile(join(UNITS, unit), "utf8")).toMatch(/^PrivateNetwork=yes$/m);
  });
});

/** Runs what comes before an attempt, as systemd would after so many. @returns the seconds that it would wait */
async function waitBefore(text: string, restarts: string): Promise<number> {
  const [, quoted = ""] = /^ExecStartPre=\/bin\/sh -c '(.*)'$/m.exec(text) ?? [];
  const script = quoted.replaceAll("$$", "$").replaceAll("%%", "%");
  const programs = await mkdtemp(join(tmpdir(), "before-"));
  try {
    await writeFile(join(programs, "systemctl"), `#!/bin/sh\necho ${restarts}\n`, { mode: 0o755 });
    await writeFile(join(programs, "sleep"), '#!/bin/sh\necho "$1"\n', { mode: 0o755 });
    const environment = { PATH: `${programs}:${process.env["PATH"] ?? ""}` };
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", script], { env: environment });
    return Number(stdout.trim());
  } finally {
    await rm(programs, { recursive: true, force: true });
  }
}

describe("the live system's installation", () => {
  it("is tried again for ever, also where settings are wrong, as those are mended elsewhere, and backs off", async () => {
    const text = await readFile(LIVE_UNIT, "utf8");
    expect(text).not.toMatch(/^RestartPreventExitStatus=/m);
    for (const line of [/^Restart=on-failure$/m, /^StartLimitIntervalSec=0$/m]) expect(text).toMatch(line);
    expect(text).toMatch(/^RestartSec=15$/m);
    expect(text).toMatch(/^TimeoutStartSec=infinity$/m);
    // Of the systemd that knows them, on top of what follows.
    expect(text).not.toMatch(/^Restart(Steps|MaxDelaySec)=/m);
    const waits: number[] = [];
    for (const restarts of ["0", "1", "2", "3", "4", "5", "6", "7", "400", ""])
      waits.push(await waitBefore(text, restarts));
    const [first, ...later] = waits;
    expect(first).toBe(0);
    expect(later.pop()).toBe(0);
    for (const [at, least] of [10, 25, 55, 95, 170, 285, 285, 285].entries()) {
      expect(later[at]).toBeGreaterThanOrEqual(least);
      expect(later[at]).toBeLessThan(least + 10);
    }
  });

  it("is understood by systemd", async () => {
    await copyFile(LIVE_UNIT, join(root, SYSTEM_UNITS, "ros-agent-install.service"));
    const { output } = await analyze(["verify", `--root=${root}`, "--man=no", "ros-agent-install.service"]);
    const lines = output.split("\n").filter((line) => /ros-agent-install/.test(line) && !NEWER.test(line));
    expect(lines).toEqual([]);
  });
});

describe("the example system's weekly trim", () => {
  const DEBIAN = fileURLToPath(new URL("../../../boot/image/debian/", import.meta.url));
  const DROP_IN = join(DEBIAN, "root/usr/lib/systemd/system/fstrim.service.d/10-rancheros.conf");

  it("is left on by what makes the image", async () => {
    const system = await mkdtemp(join(tmpdir(), "trim-"));
    try {
      await cp(join(DEBIAN, "root"), system, { recursive: true });
      for (const unit of ["fstrim.timer", "fstrim.service"])
        await copyFile(join(SYSTEM_UNITS, unit), join(system, SYSTEM_UNITS, unit));
      const systemctl = (words: string): Promise<{ readonly stdout: string }> =>
        promisify(execFile)("systemctl", [`--root=${system}`, ...words.split(" ")]);
      const made = await readFile(join(DEBIAN, "customize"), "utf8");
      for (const [, words = ""] of made.matchAll(/^systemctl (.*?) >\/dev\/null/gm)) await systemctl(words);
      const { stdout } = await systemctl("is-enabled fstrim.timer");
      expect(stdout.trim()).toBe("enabled");
    } finally {
      await rm(system, { recursive: true, force: true });
    }
  });

  it("touches the machine's state only, and no failure of it makes a slot look bad", async () => {
    const lines = (await readFile(DROP_IN, "utf8")).split("\n");
    const commands = lines.filter((line) => line.startsWith("ExecStart="));
    expect(commands).toEqual([
      "ExecStart=",
      expect.stringMatching(/^ExecStart=-\/sbin\/fstrim .* \/run\/rancheros-state$/),
    ]);
    // A live system has the same units.
    expect(lines).toContain("ConditionPathIsMountPoint=/run/rancheros-state");
    await cp(join(DROP_IN, ".."), join(root, SYSTEM_UNITS, "fstrim.service.d"), { recursive: true });
    await mkdir(join(root, "sbin"), { recursive: true });
    await writeFile(join(root, "sbin/fstrim"), "", { mode: 0o755 });
    const { output } = await analyze(["verify", `--root=${root}`, "--man=no", "fstrim.service"]);
    expect(output.split("\n").filter((line) => /fstrim/.test(line))).toEqual([]);
  });
});
