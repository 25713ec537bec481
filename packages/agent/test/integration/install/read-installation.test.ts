/** An installation on a real disk, whole and with each of its parts taken away: what of it counts as one. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { makeDisk, systemTree, type TestDisk } from "../../../../../test/disks/index.ts";
import { planLayout } from "../../../src/install/disk-layout.ts";
import { NO_RULE } from "../../../src/install/disk.ts";
import { installMachine, liveSource } from "../../../src/install/index.ts";
import { findInstalledNow } from "../../../src/install/io/installed-now.ts";
import { readInstallation } from "../../../src/install/io/read-installation.ts";
import { divideDisk, wipeDisk } from "../../../src/install/io/target-disk.ts";

const MIB = 1024 ** 2;
const NEVER = new AbortController().signal;
const PROGRAMS = {
  env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  stdio: "pipe",
} as const;
const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

let home: string;
let disk: TestDisk;
let reference: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "read-installation-"));
  reference = systemTree(join(home, "tree"), "example.com/os:v1");
  disk = makeDisk(join(home, "disk"), 2048 * MIB);
  const plan = await installMachine(
    {
      source: liveSource(reference),
      systemBytes: MIB,
      slotBytes: 128 * MIB,
      files: new Map(),
      dryRun: false,
      rule: { ...NO_RULE, device: disk.device },
      reinstall: { kind: "once", name: "2026-11" },
      kernelArguments: "",
      confirm: () => Promise.resolve(true),
      signal: NEVER,
      onPlan: () => undefined,
      onProgress: () => undefined,
      onWarning: (error) => expect.unreachable(error.message),
    },
    join(home, "disk/work"),
    { after: "poweroff", isAsked: false },
  );
  expect(plan.installed).toEqual({ kind: "none" });
}, 120_000);

afterAll(() => {
  disk.remove();
  rmSync(home, { recursive: true, force: true });
});

function look(): ReturnType<typeof readInstallation> {
  return readInstallation(disk.device, NEVER);
}

/** While the work is done the file is another one, or none. */
async function without(
  partition: string,
  name: string,
  content: string | undefined,
  work: () => Promise<void>,
): Promise<void> {
  disk.change(partition, (folder) => {
    renameSync(join(folder, name), join(folder, "kept"));
    if (content !== undefined) writeFileSync(join(folder, name), content);
  });
  try {
    await work();
  } finally {
    disk.change(partition, (folder) => renameSync(join(folder, "kept"), join(folder, name)));
  }
}

async function withoutBootCode(work: () => Promise<void>): Promise<void> {
  const code = disk.firstBytes(440);
  writeFirst(Buffer.alloc(440));
  try {
    await work();
  } finally {
    writeFirst(code);
  }
}

function writeFirst(bytes: Buffer, offset = 0): void {
  const handle = openSync(disk.device, "r+");
  writeSync(handle, bytes, 0, bytes.length, offset);
  closeSync(handle);
}

function startBytes(partition: string): number {
  return (disk.partitions().find(({ name }) => name === partition)?.start ?? 0) * 512;
}

/** As a disk that goes bad, or somebody who mistook it: by its first blocks each file system is known. */
async function withoutFileSystem(partition: string, work: () => Promise<void>): Promise<void> {
  const start = startBytes(partition);
  const begin = disk.firstBytes(start + 8192).subarray(start);
  writeFirst(Buffer.alloc(8192), start);
  try {
    await work();
  } finally {
    writeFirst(begin, start);
  }
}

async function withoutEfi(work: () => Promise<void>): Promise<void> {
  const place = ["-i", `${disk.device}@@${startBytes("ROS_ESP")}`];
  // As while it is copied: under a name that no firmware knows.
  execFileSync("mren", [...place, "::/EFI/BOOT/BOOTX64.EFI", "::/EFI/BOOT/BOOTX64.NEW"], PROGRAMS);
  try {
    await work();
  } finally {
    execFileSync("mren", [...place, "::/EFI/BOOT/BOOTX64.NEW", "::/EFI/BOOT/BOOTX64.EFI"], PROGRAMS);
  }
}

describe("an installation", () => {
  it("is whole with all its parts, says how it was made, and stays as it is", async () => {
    const before = statSync(disk.file).mtimeMs;
    expect(await look()).toEqual({ kind: "whole", reference, bootId, after: "poweroff", reinstall: "2026-11" });
    expect(statSync(disk.file).mtimeMs).toBe(before);
  });

  it("is found in the start in which it was made, on the disk that was named", async () => {
    expect(await findInstalledNow(disk.device, NEVER)).toEqual({ after: "poweroff" });
    expect(await findInstalledNow("/dev/none", NEVER)).toBeUndefined();
    const other = JSON.stringify({ version: 1, bootId: "another", after: "reboot", loaders: ["bios"] });
    await without("ROS_OEM", "grub/installation.json", other, async () => {
      expect(await look()).toMatchObject({ kind: "whole", bootId: "another", after: "reboot", reinstall: undefined });
      expect(await findInstalledNow(disk.device, NEVER)).toBeUndefined();
    });
  });

  it("is whole while it is mounted, as on the medium of another live system", async () => {
    const oem = disk.partitions().find(({ name }) => name === "ROS_OEM");
    const folder = join(home, "mounted");
    const how = `loop,offset=${(oem?.start ?? 0) * 512},sizelimit=${(oem?.size ?? 0) * 512}`;
    execFileSync("mount", ["--mkdir", "-o", how, disk.device, folder], PROGRAMS);
    try {
      expect(await look()).toMatchObject({ kind: "whole" });
    } finally {
      execFileSync("umount", [folder], PROGRAMS);
    }
  });

  it.each([
    ["the words of its boot loader", "ROS_OEM", "grub/grubenv", "GRUB's words are missing on it"],
    ["what its slot says of itself", "ROS_SLOT_A", ".rancheros-slot.json", "no slot of it says what it holds"],
  ])("is unclear without %s, as its boot loaders are written last", async (_what, partition, name, why) => {
    await without(partition, name, undefined, async () => expect(await look()).toEqual({ kind: "unclear", why }));
    expect(await look()).toMatchObject({ kind: "whole" });
  });

  it.each([
    ["ROS_OEM", "GRUB's words are missing on it"],
    ["ROS_SLOT_A", "no slot of it says what it holds"],
    ["ROS_ESP", "its partition ROS_ESP cannot be read"],
  ])("is unclear where the file system of %s is damaged", async (partition, why) => {
    await withoutFileSystem(partition, async () => expect(await look()).toEqual({ kind: "unclear", why }));
    expect(await look()).toMatchObject({ kind: "whole" });
  });

  it("is unclear also where nothing else starts it than a damaged ROS_ESP", async () => {
    const why = "its partition ROS_ESP cannot be read";
    await withoutFileSystem("ROS_ESP", () =>
      withoutBootCode(async () => {
        expect(await look()).toEqual({ kind: "unclear", why });
        await without("ROS_OEM", "grub/installation.json", undefined, async () =>
          expect(await look()).toEqual({ kind: "unclear", why }),
        );
      }),
    );
  });

  it("is whole where GRUB starts the other slot, as the good one is damaged", async () => {
    const stamp = disk.look("ROS_SLOT_A", (root) => readFileSync(join(root, ".rancheros-slot.json"), "utf8"));
    const other = { ...(JSON.parse(stamp) as object), reference: "example.com/os:other" };
    disk.change("ROS_SLOT_B", (root) => writeFileSync(join(root, ".rancheros-slot.json"), JSON.stringify(other)));
    try {
      await withoutFileSystem("ROS_SLOT_A", async () =>
        expect(await look()).toMatchObject({ kind: "whole", reference: "example.com/os:other" }),
      );
      expect(await look()).toMatchObject({ kind: "whole", reference });
    } finally {
      disk.change("ROS_SLOT_B", (root) => rmSync(join(root, ".rancheros-slot.json")));
    }
  });

  it("is none where the boot loader is missing that is written last, or there is none", async () => {
    await withoutBootCode(async () => expect(await look()).toEqual({ kind: "none" }));
    await withoutEfi(() => withoutBootCode(async () => expect(await look()).toEqual({ kind: "none" })));
    await withoutFileSystem("ROS_OEM", () =>
      withoutEfi(() => withoutBootCode(async () => expect(await look()).toEqual({ kind: "none" }))),
    );
    expect(await look()).toMatchObject({ kind: "whole" });
  });

  it("is none where the power went while ROS_ESP was made, so that a part of it is there", async () => {
    // Behind the first sector, which says FAT: the table, and what is to be a copy of the first.
    const table = startBytes("ROS_ESP") + 512;
    const made = disk.firstBytes(table + 8 * MIB).subarray(table);
    await without("ROS_OEM", "grub", undefined, () =>
      withoutBootCode(async () => {
        writeFirst(Buffer.alloc(8 * MIB), table);
        try {
          expect(await look()).toEqual({ kind: "none" });
        } finally {
          writeFirst(made, table);
        }
      }),
    );
    expect(await look()).toMatchObject({ kind: "whole" });
  });

  it("is unclear where the last boot loader is there and the one before it is not", async () => {
    await withoutEfi(async () =>
      expect(await look()).toEqual({ kind: "unclear", why: "its boot loader for efi is missing" }),
    );
  });

  it.each([undefined, "{", '{"version":2}'])(
    "is whole with one boot loader where nothing is known of how it was made: %s",
    async (record) => {
      const unrecorded = { kind: "whole", reference, bootId: undefined, after: undefined, reinstall: undefined };
      await without("ROS_OEM", "grub/installation.json", record, async () => {
        expect(await look()).toEqual(unrecorded);
        await withoutBootCode(async () => expect(await look()).toEqual(unrecorded));
        await withoutEfi(async () => expect(await look()).toEqual(unrecorded));
        await withoutEfi(() => withoutBootCode(async () => expect(await look()).toEqual({ kind: "none" })));
      });
    },
  );

  it("is whole where GRUB starts it without its words, which are broken", async () => {
    await without("ROS_OEM", "grub/grubenv", "good=b", async () =>
      expect(await look()).toMatchObject({ kind: "whole" }),
    );
  });

  it("is unclear where what a file says cannot be understood, or the disk does not answer", async () => {
    await without("ROS_SLOT_A", ".rancheros-slot.json", "{", async () =>
      expect(await look()).toEqual({
        kind: "unclear",
        why: `what slot a on ${disk.device} holds cannot be read`,
      }),
    );
    const broken = makeDisk(join(home, "broken"), 8 * MIB);
    try {
      truncateSync(broken.file, 0);
      execFileSync("blockdev", ["--flushbufs", broken.device], PROGRAMS);
      expect(await readInstallation(broken.device, NEVER)).toEqual({
        kind: "unclear",
        why: expect.stringMatching(/sfdisk: cannot open \/dev\/loop\d+: Input\/output error/) as unknown,
      });
    } finally {
      broken.remove();
    }
    expect(await readInstallation("/dev/none", NEVER)).toMatchObject({ kind: "unclear" });
  });

  it("is none on a disk that is empty, of others, or one file system", async () => {
    const other = makeDisk(join(home, "other"), 64 * MIB);
    try {
      const lookThere = () => readInstallation(other.device, NEVER);
      expect(await lookThere()).toEqual({ kind: "none" });
      for (const label of ["dos", "gpt"]) {
        execFileSync("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", other.device], {
          ...PROGRAMS,
          input: `label: ${label}\n,\n`,
        });
        expect(await lookThere()).toEqual({ kind: "none" });
      }
      execFileSync("wipefs", ["--all", "--quiet", other.device], PROGRAMS);
      execFileSync("mkfs.ext4", ["-q", "-F", other.device], PROGRAMS);
      expect(await lookThere()).toEqual({ kind: "none" });
    } finally {
      other.remove();
    }
  });

  it("is not told where the look is broken off", async () => {
    await expect(readInstallation(disk.device, AbortSignal.abort())).rejects.toMatchObject({
      code: "SLOT_INTERRUPTED",
    });
  });
});

describe("a disk of which another installation has begun", () => {
  it("holds none, wherever that is broken off", async () => {
    const sizeBytes = 2048 * MIB;
    await wipeDisk(disk.device, sizeBytes);
    expect(await look()).toEqual({ kind: "none" });
    const layout = planLayout(sizeBytes, { systemBytes: MIB, slotBytes: 128 * MIB }, randomUUID);
    await divideDisk(disk.device, layout);
    expect(disk.partitions().map(({ name }) => name)).toContain("ROS_OEM");
    expect(await look()).toEqual({ kind: "none" });
  });
});
