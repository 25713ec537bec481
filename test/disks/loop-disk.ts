/** A disk of the size that a test wants, in a sparse file: the kernel's own loop device, without partitions of its own. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TestPartition {
  readonly name: string;
  /** In sectors, as `start`. */
  readonly size: number;
  readonly start: number;
  /** In capitals. */
  readonly uuid: string;
}

export interface TestDisk {
  /** /dev/loopN */
  readonly device: string;
  /** The file behind it. */
  readonly file: string;
  /** Of the partition with this name, mounted read-only while the work looks at it. */
  readonly look: <T>(partition: string, work: (folder: string) => T) => T;
  /** The same, mounted for writing. */
  readonly change: (partition: string, work: (folder: string) => void) => void;
  /** From the beginning. */
  readonly firstBytes: (bytes: number) => Buffer;
  readonly partitions: () => readonly TestPartition[];
  readonly remove: () => void;
}

const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    stdio: ["ignore", "pipe", "pipe"],
  });

export interface TestDiskOptions {
  readonly isReadOnly?: boolean;
  /** Default 512. Nothing looks into a disk of others. */
  readonly sectorBytes?: number;
}

/** @param folder  for the file, the test's own */
export function makeDisk(folder: string, sizeBytes: number, options: TestDiskOptions = {}): TestDisk {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "disk.img");
  writeFileSync(file, "");
  truncateSync(file, sizeBytes);
  const device = run("losetup", [
    ...(options.isReadOnly === true ? ["--read-only"] : []),
    ...(options.sectorBytes === undefined ? [] : ["--sector-size", String(options.sectorBytes)]),
    "--find",
    "--show",
    file,
  ]).trim();
  const partitions: TestDisk["partitions"] = () => {
    const text = run("sfdisk", ["--json", device]);
    const { partitiontable } = JSON.parse(text) as {
      partitiontable: { partitions: TestPartition[] };
    };
    return partitiontable.partitions;
  };
  const mounted = <T>(name: string, how: "ro,noload" | "rw", work: (mountFolder: string) => T): T => {
    const found = partitions().find((one) => one.name === name);
    if (found === undefined) throw new Error(`${device} has no partition ${name}`);
    const place = ["--offset", String(found.start * 512), "--sizelimit", String(found.size * 512)];
    const inner = run("losetup", [...(how === "rw" ? [] : ["--read-only"]), "--find", "--show", ...place, device]);
    const mountFolder = join(folder, `look-${name}`);
    mkdirSync(mountFolder, { recursive: true });
    try {
      run("mount", ["-o", how, inner.trim(), mountFolder]);
      try {
        return work(mountFolder);
      } finally {
        run("umount", [mountFolder]);
      }
    } finally {
      run("losetup", ["--detach", inner.trim()]);
      // Whoever reads the file itself, such as QEMU, sees what was changed.
      if (how === "rw") run("blockdev", ["--flushbufs", device]);
    }
  };
  return {
    device,
    file,
    partitions,
    look: (name, work) => mounted(name, "ro,noload", work),
    change: (name, work) => mounted(name, "rw", work),
    firstBytes(bytes) {
      const handle = openSync(device, "r");
      try {
        const buffer = Buffer.alloc(bytes);
        readSync(handle, buffer, 0, bytes, 0);
        return buffer;
      } finally {
        closeSync(handle);
      }
    },
    remove() {
      for (const line of run("losetup", ["--list", "--noheadings", "--output", "NAME,BACK-FILE"]).split("\n")) {
        const [name = "", behind = ""] = line.trim().split(/\s+/);
        if (behind === device) run("losetup", ["--detach", name]);
      }
      for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n").reverse()) {
        const point = line.split(" ")[4] ?? "";
        if (point.startsWith(`${folder}/`)) run("umount", [point]);
      }
      run("losetup", ["--detach", device]);
      rmSync(file, { force: true });
    },
  };
}
