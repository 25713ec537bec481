/**
 * Starts boot/image/init as the first program of a slot, on real ext4 file systems, in a root and namespaces of its own.
 * Made by the test are what the kernel would tell (/proc, /sys), and what comes next: /sbin/init is a script of the test's.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";

const PROGRAM = fileURLToPath(new URL("../../../../../boot/image/init", import.meta.url));
const MIB = 1024 * 1024;
const HOSTS = ["bin", "sbin", "lib", "lib64"] as const;
/** What a power cut may come after: whatever changes something. */
const CHANGING = ["chmod", "cp", "ln", "mkdir", "mkfs.ext4", "mv", "rm", "tar"] as const;

export interface Start {
  /** What it said on the console. */
  readonly console: string;
  /** Whether it gave up and restarted the machine in place of going on. */
  readonly isRestarted: boolean;
  /** Of the script that ran as /sbin/init; undefined where it was not reached. */
  readonly said: string | undefined;
}

export interface StartOptions {
  /** Words of the kernel's command line besides the slot's. */
  readonly words?: string;
  /** Run in the machine as soon as it is up. */
  readonly script?: string;
  /** The power goes after so many changes. */
  readonly cutAfter?: number;
}

export interface SlotGround {
  readonly oem: TestDisk;
  readonly state: TestDisk;
  /** A file of the slot itself. */
  write(path: string, text: string): void;
  /** Runs lines of a shell where the slot's root is. */
  run(script: string): void;
  /** Mounts one of the two for the length of the work. */
  change(disk: TestDisk, work: (folder: string) => void): void;
  start(options?: StartOptions): Start;
  remove(): void;
}

const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** @param folder  the test's own; needs root and loop devices */
export function openSlotGround(folder: string): SlotGround {
  const root = join(folder, "root");
  const oem = makeDisk(join(folder, "oem"), 8 * MIB);
  const state = makeDisk(join(folder, "state"), 16 * MIB);
  for (const one of ["var/lib", "root", "home", "opt", "srv", "etc", "oem", "dev", "run", "tmp", "sbin"]) {
    mkdirSync(join(root, one), { recursive: true });
  }
  for (const one of HOSTS) mkdirSync(join(root, "usr", one), { recursive: true });
  for (const one of ["bin", "lib", "lib64"]) symlinkSync(`usr/${one}`, join(root, one));
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text, { mode });
  };
  write("usr/lib-rancheros-init", readFileSync(PROGRAM, "utf8"), 0o755);
  write("proc/mounts", ["/sys", "/dev", "/run", "/tmp"].map((point) => `none ${point} none rw 0 0\n`).join(""));
  write("proc/self/mountinfo", "20 1 8:2 / / ro - ext4 /dev/vda2 ro\n");
  write("proc/sys/kernel/random/boot_id", "11111111-1111-4111-8111-111111111111\n");
  write("sys/dev/block/8:2/uevent", "DEVNAME=vda2\n");
  for (const [name, part, disk] of [
    ["vda4", "ROS_OEM", oem],
    ["vda5", "ROS_STATE", state],
  ] as const) {
    write(`sys/class/block/${name}/uevent`, `DEVNAME=${name}\nPARTNAME=${part}\n`);
    const { rdev } = statSync(disk.device);
    run("mknod", [join(root, "dev", name), "b", String(rdev >> 8), String(rdev & 0xff)]);
    run("mkfs.ext4", ["-q", "-F", "-m", "0", disk.device]);
  }
  run("mknod", [join(root, "dev/null"), "c", "1", "3"]);
  // Not to be written: what is said comes out of the program itself.
  mkdirSync(join(root, "dev/console"));
  write("usr/local/sbin/sync", "#!/bin/sh\n", 0o755);
  write("usr/local/sbin/sleep", '#!/bin/sh\n[ "$1" -gt 100 ] && exec /usr/bin/sleep "$1"\nexit 0\n', 0o755);
  write("usr/local/sbin/reboot", "#!/bin/sh\n", 0o755);
  for (const name of CHANGING) {
    const text = [
      "#!/bin/sh",
      `PATH=/usr/sbin:/usr/bin ${name} "$@"`,
      "code=$?",
      // Two of a pipe end at the same time.
      ...(name === "tar" ? ["exec 9>/run/left-lock; flock 9"] : []),
      "read -r left </run/left; left=$((left - 1)); echo $left >/run/left",
      // All of the machine, as whatever started this may be a part of it only.
      "[ $left -eq 0 ] && kill -9 -1",
      "exit $code",
      "",
    ];
    write(`usr/local/sbin/${name}`, text.join("\n"), 0o755);
  }
  return {
    oem,
    state,
    write,
    run(script) {
      run("sh", ["-ec", `cd '${root}'; ${script}`]);
    },
    change(disk, work) {
      const point = join(folder, "look");
      mkdirSync(point, { recursive: true });
      run("mount", [disk.device, point]);
      try {
        work(point);
      } finally {
        run("umount", [point]);
      }
    },
    start({ words = "", script = "", cutAfter = 0 } = {}) {
      write("proc/cmdline", `root=PARTLABEL=ROS_A ro rancheros.slot=a ${words}\n`);
      write("proc/sysrq-trigger", "");
      // Memory, on a machine.
      rmSync(join(root, "run"), { recursive: true });
      write("run/left", `${cutAfter}\n`);
      write("sbin/init", `#!/bin/sh\n{ ${script === "" ? ":" : script}\n} >/run/said 2>&1\n`, 0o755);
      // What other tests have mounted would be held here until the end, and they could not mount it otherwise.
      const letOthersGo = `{ cut -d ' ' -f 5 /proc/self/mountinfo | grep '^${dirname(folder)}/' | xargs --no-run-if-empty umount --lazy; true; } 2>/dev/null`;
      // With what is the slot's own above the host's, such as the name of its release.
      const binds = HOSTS.map(
        (one) => `mount -t overlay -o 'lowerdir=${root}/usr/${one}:/usr/${one}' overlay '${root}/usr/${one}'`,
      );
      // Not the first process of its namespace: that one cannot be killed from inside, as a power cut would.
      const program = [
        letOthersGo,
        ...binds,
        `env -i /usr/sbin/chroot '${root}' /bin/sh /usr/lib-rancheros-init; exit 0`,
      ].join(" && ");
      const args = [
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "setpriv",
        "--bounding-set=-sys_boot",
        "sh",
        "-c",
        program,
      ];
      const { stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: 50_000 });
      const text = (path: string): string => readFileSync(join(root, path), "utf8");
      const isRestarted = text("proc/sysrq-trigger") !== "";
      const said = statSync(join(root, "run/said"), { throwIfNoEntry: false });
      return { console: stdout + stderr, isRestarted, said: said && text("run/said") };
    },
    remove() {
      oem.remove();
      state.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
