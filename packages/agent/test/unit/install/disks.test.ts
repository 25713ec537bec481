import { beforeEach, describe, expect, it } from "vitest";

import { Random } from "../../../../../test/fuzz/random.ts";
import { chooseDisk } from "../../../src/install/choose-disk.ts";
import { neededBytes, planLayout, sfdiskScript } from "../../../src/install/disk-layout.ts";
import { NO_RULE, type Disk } from "../../../src/install/disk.ts";
import { parseDisks } from "../../../src/install/parse-disks.ts";
import { unknownDevices } from "../../../src/install/unknown-devices.ts";

const GIB = 1024 ** 3;

function disk(path: string, change: Partial<Disk> = {}): Disk {
  const plain = {
    sizeBytes: 100 * GIB,
    model: "Model X",
    serial: "",
    kind: "ssd",
    isRemovable: false,
    isReadOnly: false,
  } as const;
  return { path, ...plain, use: undefined, contents: [], names: [], ...change };
}

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe("the choice of a disk", () => {
  it("takes the only one that is free", () => {
    const { disk: chosen, why } = chooseDisk(
      [disk("/dev/sda", { use: "it is mounted" }), disk("/dev/sdb", { kind: "hdd" })],
      NO_RULE,
      GIB,
    );
    expect([chosen.path, why]).toEqual(["/dev/sdb", "it is the only one that fits"]);
  });

  it("takes the smallest solid-state one of several, and a removable one last", () => {
    const disks = [
      disk("/dev/sda", { kind: "hdd", sizeBytes: 10 * GIB }),
      disk("/dev/sdb", { sizeBytes: 20 * GIB, isRemovable: true }),
      disk("/dev/nvme0n1", { kind: "nvme", sizeBytes: 900 * GIB }),
      disk("/dev/sdc", { sizeBytes: 200 * GIB }),
    ];
    expect(chooseDisk(disks, NO_RULE, GIB).disk.path).toBe("/dev/sdc");
    expect(chooseDisk(disks, { ...NO_RULE, kind: "nvme" }, GIB).disk.path).toBe("/dev/nvme0n1");
    expect(chooseDisk(disks, { ...NO_RULE, minBytes: 300 * GIB }, GIB).disk.path).toBe("/dev/nvme0n1");
    expect(chooseDisk(disks, { ...NO_RULE, maxBytes: 15 * GIB }, GIB).disk.path).toBe("/dev/sda");
    expect(chooseDisk(disks, { ...NO_RULE, model: "model x" }, GIB).disk.path).toBe("/dev/sdc");
  });

  it("takes a named one by path or by-id, and only whole and free", () => {
    const named = disk("/dev/sda", { names: ["/dev/disk/by-id/ata-X_1"] });
    for (const device of ["/dev/sda", "sda", "ata-X_1", "/dev/disk/by-id/ata-X_1"]) {
      expect(chooseDisk([named], { ...NO_RULE, device }, GIB).disk.path).toBe("/dev/sda");
    }
    const rule = { ...NO_RULE, device: "/dev/sda" };
    expect(() => chooseDisk([], rule, GIB)).toThrow(code("INSTALL_DISK_UNKNOWN"));
    expect(() => chooseDisk([disk("/dev/sda", { use: "swap" })], rule, GIB)).toThrow(code("INSTALL_DISK_IN_USE"));
    expect(() => chooseDisk([disk("/dev/sda", { isReadOnly: true })], rule, GIB)).toThrow(
      code("INSTALL_DISK_READ_ONLY"),
    );
    expect(() => chooseDisk([disk("/dev/sda")], rule, 101 * GIB)).toThrow(code("INSTALL_DISK_TOO_SMALL"));
  });

  it("takes a named one that the selector leaves out only where it was named by hand", () => {
    const data = disk("/dev/sda", { sizeBytes: 8000 * GIB, kind: "hdd" });
    const guard = { ...NO_RULE, device: "sda", maxBytes: 500 * GIB };
    for (const rule of [
      guard,
      { ...NO_RULE, device: "sda", minBytes: 9000 * GIB },
      { ...NO_RULE, device: "sda", kind: "ssd" as const },
      { ...NO_RULE, device: "sda", model: "boot" },
    ]) {
      expect(() => chooseDisk([data, disk("/dev/sdb")], rule, GIB)).toThrow(code("INSTALL_DISK_UNWANTED"));
      expect(chooseDisk([data], { ...rule, isByHand: true }, GIB).disk.path).toBe("/dev/sda");
    }
    expect(() => chooseDisk([data], guard, GIB)).toThrow(
      "rancheros.install.device names sda, which rancheros.install.deviceSelector does not let be taken: it is larger than 500 GiB",
    );
    expect(chooseDisk([data], { ...guard, maxBytes: 8000 * GIB }, GIB).disk.path).toBe("/dev/sda");
  });

  it("takes no file of its own accord, and says what is against each", () => {
    const disks = [disk("/dev/loop0", { kind: "loop" }), disk("/dev/sda", { use: "it is mounted at /" })];
    expect(() => chooseDisk(disks, NO_RULE, GIB)).toThrow(/loop0: it is a file.*sda: it is mounted at \//);
    expect(() => chooseDisk([], NO_RULE, GIB)).toThrow(code("INSTALL_NO_DISK"));
  });
});

describe("the layout of a disk", () => {
  let ids = 0;
  const newId = (): string => `id-${++ids}`;
  beforeEach(() => {
    ids = 0;
  });

  it("has the partitions in their order, as sfdisk takes them", () => {
    const layout = planLayout(20 * GIB, { slotBytes: undefined, systemBytes: GIB }, newId);
    expect(layout.partitions.map(({ name }) => name)).toEqual([
      "ROS_BIOS",
      "ROS_ESP",
      "ROS_OEM",
      "ROS_SLOT_A",
      "ROS_SLOT_B",
      "ROS_STATE",
    ]);
    for (const [sectorBytes, start, size] of [
      [512, 880_640, 8_388_608],
      [4096, 110_080, 1_048_576],
    ] as const) {
      expect(sfdiskScript(layout, sectorBytes)).toContain(
        `name="ROS_SLOT_A", start=${start}, size=${size}, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=id-4\n`,
      );
    }
  });

  it("fills the disk and never more than that, for any size and wish", () => {
    const seed = Date.now() % 1_000_000;
    const numbers = new Random(seed, 0);
    const random = (): number => numbers.uint32() / 2 ** 32;
    for (let round = 0; round < 500; round++) {
      const diskBytes = Math.floor(random() ** 3 * 4000 * GIB);
      const wish = {
        systemBytes: Math.floor(random() * 6 * GIB),
        slotBytes: random() < 0.5 ? undefined : Math.ceil((6 + random() * 4) * GIB),
      };
      try {
        const { partitions } = planLayout(diskBytes, wish, newId);
        const sum = partitions.reduce((all, { sizeBytes }) => all + sizeBytes, 0);
        const slots = partitions.filter(({ role }) => role === "a" || role === "b");
        expect(sum, `seed ${seed}`).toBeLessThanOrEqual(diskBytes - 2 * 1024 ** 2);
        expect(diskBytes - sum, `seed ${seed}`).toBeLessThan(4 * 1024 ** 2);
        expect(
          slots.every(({ sizeBytes }) => sizeBytes >= (wish.slotBytes ?? wish.systemBytes)),
          `seed ${seed}`,
        ).toBe(true);
        expect(partitions.every(({ sizeBytes }) => sizeBytes % 1024 ** 2 === 0)).toBe(true);
      } catch (error) {
        expect(error, `seed ${seed}`).toMatchObject({ code: "INSTALL_DISK_TOO_SMALL" });
      }
    }
  });

  it("is refused where there is no room, with how much is needed", () => {
    const wish = { slotBytes: undefined, systemBytes: 0 };
    expect(() => planLayout(4 * GIB, wish, newId)).toThrow(code("INSTALL_DISK_TOO_SMALL"));
    expect(planLayout(neededBytes(wish), wish, newId).partitions).toHaveLength(6);
    expect(() => planLayout(neededBytes(wish) - 1, wish, newId)).toThrow(/5\.4 GiB are needed/);
    expect(() => planLayout(90 * GIB, { slotBytes: GIB, systemBytes: 2 * GIB }, newId)).toThrow(
      code("INSTALL_SETTINGS_INVALID"),
    );
  });
});

describe("what lsblk says", () => {
  const text = JSON.stringify({
    blockdevices: [
      {
        name: "sda",
        path: "/dev/sda",
        type: "disk",
        size: 1000,
        ro: false,
        rm: false,
        rota: true,
        model: " WD ",
        mountpoints: [null],
        children: [
          { name: "sda1", path: "/dev/sda1", type: "part", fstype: "ext4", label: "data", mountpoints: ["/srv"] },
        ],
      },
      {
        name: "sdb",
        path: "/dev/sdb",
        type: "disk",
        size: 1000,
        ro: true,
        rm: true,
        rota: false,
        mountpoints: [null],
        fstype: "iso9660",
        children: [{ name: "sdb1", path: "/dev/sdb1", type: "part", mountpoints: ["/run/live/medium"] }],
      },
      {
        name: "sdc",
        path: "/dev/sdc",
        type: "disk",
        size: 1000,
        mountpoints: [null],
        children: [
          {
            name: "sdc1",
            path: "/dev/sdc1",
            type: "part",
            mountpoints: [null],
            children: [{ name: "md0", path: "/dev/md0", type: "raid1", mountpoints: [null] }],
          },
        ],
      },
      { name: "sdd", path: "/dev/sdd", type: "disk", size: 1000, mountpoints: ["[SWAP]"] },
      {
        name: "nvme0n1",
        path: "/dev/nvme0n1",
        type: "disk",
        size: 1000,
        tran: "nvme",
        rota: false,
        mountpoints: [null],
        children: [{ path: "/dev/nvme0n1p1", type: "part", fstype: "vfat", partlabel: "EFI", mountpoints: [null] }],
      },
      { name: "sr0", path: "/dev/sr0", type: "rom", size: 1000 },
      { name: "sde", path: "/dev/sde", type: "disk", size: 0 },
      { name: "zram0", path: "/dev/zram0", type: "disk", size: 1000 },
      7,
    ],
  });

  it("tells which disks there are, what they are and who uses them", () => {
    const disks = parseDisks(text, new Map([["/dev/sda", ["/dev/disk/by-id/x"]]]));
    expect(disks.map(({ path, kind, use, isReadOnly }) => [path, kind, isReadOnly, use])).toEqual([
      ["/dev/sda", "hdd", false, "/dev/sda1 is mounted at /srv"],
      ["/dev/sdb", "ssd", true, "it is the medium from which the live system runs"],
      ["/dev/sdc", "ssd", false, "/dev/md0 (raid1) is made of it"],
      ["/dev/sdd", "ssd", false, "/dev/sdd is swap space in use"],
      ["/dev/nvme0n1", "nvme", false, undefined],
    ]);
    expect(disks[0]).toMatchObject({ model: "WD", names: ["/dev/disk/by-id/x"], contents: ["ext4 data"] });
    expect(disks[4]?.contents).toEqual(["vfat EFI"]);
  });

  it.each([
    "linux_raid_member",
    "LVM2_member",
    "zfs_member",
    "bcache",
    "drbd",
    "drbdmanage_control_volume",
    "drbdproxy_datalog",
    "stratis",
    "mpool",
    "vdo",
    "DM_integrity",
  ])("has members of something that nothing has put together as in use: %s", (fstype) => {
    const whole = { name: "sda", path: "/dev/sda", type: "disk", size: 1000, fstype, mountpoints: [null] };
    const part = { name: "sdb1", path: "/dev/sdb1", type: "part", fstype, mountpoints: [null] };
    const divided = { name: "sdb", path: "/dev/sdb", type: "disk", size: 1000, children: [part] };
    const disks = parseDisks(JSON.stringify({ blockdevices: [whole, divided] }), new Map());
    expect(disks.map(({ use }) => use)).toEqual([
      `/dev/sda (${fstype}) is part of a RAID or volume group`,
      `/dev/sdb1 (${fstype}) is part of a RAID or volume group`,
    ]);
  });

  it("of which lsblk knows nothing are what they were found to be otherwise", () => {
    const part = { name: "sda1", path: "/dev/sda1", type: "part", size: 500, fstype: null };
    const disk = { name: "sda", path: "/dev/sda", type: "disk", size: 1000, fstype: null, children: [part] };
    const known = { name: "sdb", path: "/dev/sdb", type: "disk", size: 1000, fstype: "ext4" };
    const empty = { name: "sdc", path: "/dev/sdc", type: "disk", size: 0, fstype: null };
    const json = JSON.stringify({ blockdevices: [disk, known, empty] });
    expect(unknownDevices(json)).toEqual(["/dev/sda", "/dev/sda1"]);
    const [found] = parseDisks(json, new Map(), new Map([["/dev/sda1", "LVM2_member"]]));
    expect(found).toMatchObject({
      use: "/dev/sda1 (LVM2_member) is part of a RAID or volume group",
      contents: ["LVM2_member"],
    });
  });

  it.each(["ceph_bluestore", "gfs2", "ocfs2", "oracleasm", "VMFS"])(
    "has storage that other machines may be using as in use: %s",
    (fstype) => {
      const disk = { name: "sda", path: "/dev/sda", type: "disk", size: 1000, fstype, mountpoints: [null] };
      const [found] = parseDisks(JSON.stringify({ blockdevices: [disk] }), new Map());
      expect(found?.use).toBe(`/dev/sda (${fstype}) is storage of a cluster, which other machines may use`);
    },
  );

  it.each(["", "{}", "[]", '{"blockdevices":{}}'])("is refused as nonsense: %j", (bad) => {
    expect(() => parseDisks(bad, new Map())).toThrow(code("INSTALL_NO_DISK"));
  });
});
