/** A disk of the size that a test wants, in a sparse file: the kernel's own loop device, without partitions of its own. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TestDisk {
  /** /dev/loopN */
  readonly device: string;
  /** The file behind it. */
  readonly file: string;
  /** Of the partition with this name, mounted read-only while the work looks at it. */
  readonly look: <T>(partition: string, work: (folder: string) => T) => T;
  /** From the beginning. */
  readonly firstBytes: (bytes: number) => Buffer;
  readonly partitions: () => readonly { readonly name: string; readonly size: number; readonly start: number }[];
  readonly remove: () => void;
}

const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** @param folder  for the file, the test's own */
export function makeDisk(folder: string, sizeBytes: number, options: { readonly isReadOnly?: boolean } = {}): TestDisk {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "disk.img");
  writeFileSync(file, "");
  truncateSync(file, sizeBytes);
  const device = run("losetup", [
    ...(options.isReadOnly === true ? ["--read-only"] : []),
    "--find",
    "--show",
    file,
  ]).trim();
  const partitions: TestDisk["partitions"] = () => {
    const text = run("sfdisk", ["--json", device]);
    const { partitiontable } = JSON.parse(text) as {
      partitiontable: { partitions: { name: string; size: number; start: number }[] };
    };
    return partitiontable.partitions;
  };
  return {
    device,
    file,
    partitions,
    look(name, work) {
      const found = partitions().find((one) => one.name === name);
      if (found === undefined) throw new Error(`${device} has no partition ${name}`);
      const place = ["--offset", String(found.start * 512), "--sizelimit", String(found.size * 512)];
      const inner = run("losetup", ["--read-only", "--find", "--show", ...place, device]).trim();
      const mountFolder = join(folder, `look-${name}`);
      mkdirSync(mountFolder, { recursive: true });
      try {
        run("mount", ["-o", "ro,noload", inner, mountFolder]);
        try {
          return work(mountFolder);
        } finally {
          run("umount", [mountFolder]);
        }
      } finally {
        run("losetup", ["--detach", inner]);
      }
    },
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
