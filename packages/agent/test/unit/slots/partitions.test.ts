import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { partitionBeside, type KernelPaths } from "../../../src/slots/io/partitions.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sysfs-"));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** As the kernel shows disks: uevent files below the devices, and links by number to them. */
function disk(name: string, major: number, partitions: readonly (readonly [name: string, label: string])[]): void {
  const folder = join(root, "sys/devices/pci0/block", name);
  mkdirSync(join(root, "sys/dev/block"), { recursive: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "uevent"), `MAJOR=${major}\nMINOR=0\nDEVNAME=${name}\nDEVTYPE=disk\n`);
  for (const [index, [part, label]] of partitions.entries()) {
    mkdirSync(join(folder, part));
    writeFileSync(
      join(folder, part, "uevent"),
      `DEVNAME=${part}\nDEVTYPE=partition\nPARTN=${index + 1}\nPARTNAME=${label}\n`,
    );
    symlinkSync(`../../devices/pci0/block/${name}/${part}`, join(root, "sys/dev/block", `${major}:${index + 1}`));
  }
}

function paths(mountInfo: string): KernelPaths {
  writeFileSync(join(root, "mountinfo"), mountInfo);
  return { mountInfo: join(root, "mountinfo"), sys: join(root, "sys"), dev: "/dev" };
}

const OEM = "36 25 254:2 / /oem rw,noatime shared:1 - ext4 /dev/vda2 rw\n";

describe("a partition of ours", () => {
  it("is that of the disk that the machine runs from, though another disk has one of the same name", () => {
    disk("sda", 8, [["sda1", "ROS_SLOT_B"]]);
    disk("nvme0n1", 254, [
      ["nvme0n1p1", "ROS_SLOT_A"],
      ["nvme0n1p2", "ROS_OEM"],
      ["nvme0n1p3", "ROS_SLOT_B"],
    ]);
    expect(partitionBeside("/oem", "ROS_SLOT_B", paths(OEM))).toBe("/dev/nvme0n1p3");
  });

  it("is missed by name where there is none, or nothing is mounted", () => {
    disk("vda", 254, [
      ["vda1", "ROS_SLOT_A"],
      ["vda2", "ROS_OEM"],
    ]);
    const none = expect.objectContaining({ code: "SLOT_NONE_HERE" }) as Error;
    expect(() => partitionBeside("/oem", "ROS_SLOT_B", paths(OEM))).toThrow(none);
    expect(() => partitionBeside("/oem", "ROS_SLOT_A", paths("25 1 0:5 / / rw - overlay overlay rw\n"))).toThrow(none);
    expect(() => partitionBeside("/", "ROS_SLOT_A", paths("25 1 0:5 / / rw - overlay overlay rw\n"))).toThrow(none);
  });
});
