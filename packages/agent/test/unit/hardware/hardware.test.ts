import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { hardwareOf } from "../../../src/hardware/hardware.ts";
import { HardwareError } from "../../../src/hardware/index.ts";
import virtualMachine from "./testdata/virtual-machine.json" with { type: "json" };

const EMPTY = { cpu: {}, memory: {}, disks: [], links: [], virtualDisks: [] };
const SATA = {
  name: "sda",
  type: "disk",
  size: 1_000_204_886_016,
  physical: "HDD",
  model: "ST1000NX0423",
  serial: "W470XXXX",
  removable: false,
  protocol: "sata",
  device: "/dev/sda",
};

describe("a virtual machine", () => {
  it("is told without what it does not tell", () => {
    // JSON leaves out what is undefined: nothing else may be missing.
    expect(JSON.parse(JSON.stringify(hardwareOf(virtualMachine.told)))).toEqual({
      cpu: { manufacturer: "AMD", model: "EPYC", sockets: 1, physicalCores: 2, logicalCores: 2 },
      memory: { totalBytes: 25_276_510_208, swapBytes: 0 },
      disks: [{ device: "/dev/vda", sizeBytes: 274_877_906_944, rotational: true, removable: false }],
      networkInterfaces: [
        {
          name: "eth0",
          mac: "02:00:00:00:00:01",
          virtual: false,
          state: "up",
          ipv4: "192.0.2.2",
          ipv6: "fd00::2",
          mtuBytes: 1400,
          default: true,
        },
        { name: "ifb0", mac: "02:00:00:00:00:02", virtual: true, state: "down", default: false },
        { name: "ifb1", mac: "02:00:00:00:00:03", virtual: true, state: "down", default: false },
      ],
    });
  });
});

describe("the processor", () => {
  it.each([
    { title: "the highest speed", cpu: { speed: 2.4, speedMax: 3.35 }, expected: 3350 },
    { title: "else the nominal one", cpu: { speed: 2.4, speedMax: 0 }, expected: 2400 },
    { title: "else none", cpu: { speed: 0, speedMax: 0 }, expected: undefined },
    { title: "none that is no number", cpu: { speed: Number.NaN, speedMax: "3.35" }, expected: undefined },
  ])("has $title", ({ cpu, expected }) => {
    expect(hardwareOf({ ...EMPTY, cpu }).cpu.maxSpeedMhz).toBe(expected);
  });
});

describe("disks", () => {
  it("have sizes in bytes and their names", () => {
    expect(hardwareOf({ ...EMPTY, disks: [SATA] }).disks).toEqual([
      {
        device: "/dev/sda",
        model: "ST1000NX0423",
        serial: "W470XXXX",
        sizeBytes: 1_000_204_886_016,
        rotational: true,
        transport: "sata",
        removable: false,
      },
    ]);
  });

  it.each(["", "  ", "-", "Unknown", "N/A", undefined, null, 0])("have no serial number where it is %j", (serial) => {
    expect(hardwareOf({ ...EMPTY, disks: [{ ...SATA, serial }] }).disks[0]).toMatchObject({ serial: undefined });
  });

  it("are neither partitions nor volumes nor made of memory nor empty drives", () => {
    const disks = [
      { ...SATA, name: "sda1", type: "part" },
      { ...SATA, name: "vg-root", type: "lvm" },
      { ...SATA, name: "md0", type: "raid1" },
      { ...SATA, name: "sr0", type: "rom" },
      { ...SATA, name: "loop0", type: "loop" },
      { ...SATA, name: "zram0" },
      { ...SATA, name: "sdc", size: 0 },
      { ...SATA, name: "sdd", size: Number.NaN },
    ];
    expect(hardwareOf({ ...EMPTY, disks, virtualDisks: [{ name: "zram0" }] }).disks).toEqual([]);
  });

  it("stand in the order of their numbers", () => {
    const disks = ["nvme10n1", "nvme2n1", "nvme1n1"].map((name) => ({ ...SATA, name, device: `/dev/${name}` }));
    expect(hardwareOf({ ...EMPTY, disks }).disks.map(({ device }) => device)).toEqual([
      "/dev/nvme1n1",
      "/dev/nvme2n1",
      "/dev/nvme10n1",
    ]);
  });
});

describe("network interfaces", () => {
  const link = { name: "eth0", virtual: false, address: "52:54:00:AB:CD:EF", state: "down" };

  it("are also those without an address, of which nothing else is known", () => {
    expect(hardwareOf({ ...EMPTY, links: [link] }).networkInterfaces).toEqual([
      {
        name: "eth0",
        mac: "52:54:00:ab:cd:ef",
        virtual: false,
        state: "down",
        ipv4: undefined,
        ipv6: undefined,
        speedMbps: undefined,
        mtuBytes: undefined,
        default: false,
      },
    ]);
  });

  it("are virtual where the kernel made them up", () => {
    const links = [link, { ...link, name: "br0", virtual: true }];
    const found = hardwareOf({ ...EMPTY, links }).networkInterfaces;
    expect(found.map(({ name, virtual }) => ({ name, virtual }))).toEqual([
      { name: "br0", virtual: true },
      { name: "eth0", virtual: false },
    ]);
  });

  it.each([
    ["10000", 10_000],
    ["-1", undefined],
    ["0", undefined],
    ["4294967295", undefined],
    ["", undefined],
    [null, undefined],
  ])("of speed %j have %j Mb/s", (speed, speedMbps) => {
    expect(hardwareOf({ ...EMPTY, links: [{ ...link, speed }] }).networkInterfaces[0]).toMatchObject({ speedMbps });
  });

  it("have the first address of each family that leads further than the link", () => {
    const addresses = [
      { family: "IPv6", address: "fe80::1" },
      { family: "IPv4", address: "169.254.1.1" },
      { family: "IPv4", address: "192.0.2.1" },
      { family: "IPv4", address: "192.0.2.2" },
      { family: "IPv6", address: "fd00::1" },
    ];
    const links = [
      { ...link, addresses },
      { ...link, name: "eth1", addresses: addresses.slice(0, 2) },
    ];
    expect(hardwareOf({ ...EMPTY, links }).networkInterfaces).toMatchObject([
      { ipv4: "192.0.2.1", ipv6: "fd00::1" },
      { ipv4: "169.254.1.1", ipv6: "fe80::1" },
    ]);
  });

  it("are not the loopback, and have no address of zeros", () => {
    const links = [
      { ...link, name: "lo" },
      { ...link, name: "tun0", address: "00:00:00:00:00:00" },
      { ...link, name: "tun1", address: "" },
      { ...link, name: "lo1", addresses: [{ internal: true }] },
    ];
    const found = hardwareOf({ ...EMPTY, links }).networkInterfaces;
    expect(found.map(({ name, mac }) => ({ name, mac }))).toEqual([
      { name: "tun0", mac: undefined },
      { name: "tun1", mac: undefined },
    ]);
  });
});

describe("an answer without a part", () => {
  it.each([
    { told: null, part: "answer" },
    { told: [], part: "answer" },
    { told: { ...EMPTY, cpu: undefined }, part: "cpu" },
    { told: { ...EMPTY, memory: 5 }, part: "memory" },
    { told: { ...EMPTY, disks: {} }, part: "disks" },
    { told: { ...EMPTY, disks: [null] }, part: "disks" },
    { told: { ...EMPTY, links: "eth0" }, part: "links" },
    { told: { ...EMPTY, virtualDisks: ["zram0"] }, part: "virtualDisks" },
  ])("$part is HARDWARE_NONSENSE: $told", ({ told, part }) => {
    expect(() => hardwareOf(told)).toThrow(
      expect.objectContaining({ code: "HARDWARE_NONSENSE", failure: "nonsense", details: { part } }),
    );
  });

  it("and any other JSON gives hardware without empty texts and unknown zeros, or HARDWARE_NONSENSE", () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom("", "disk", "eth0", "SSD", 0, -1));
    const keys = fc.constantFrom(
      "name",
      "type",
      "size",
      "serial",
      "speed",
      "mtu",
      "addresses",
      "total",
      "brand",
      "cores",
    );
    const row = fc.oneof({ weight: 9, arbitrary: fc.dictionary(keys, field) }, fc.jsonValue());
    const list = fc.array(row, { maxLength: 4 });
    const told = fc.record(
      { cpu: row, memory: row, disks: list, links: list, virtualDisks: list },
      { requiredKeys: ["cpu", "memory", "disks"] },
    );
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: told }, fc.jsonValue()), (any) => {
        try {
          const { cpu, disks, networkInterfaces } = hardwareOf(any);
          const values = [cpu, ...disks, ...networkInterfaces].flatMap((part) => Object.values<unknown>({ ...part }));
          expect(values.filter((value) => value === "" || value === 0 || value === null)).toEqual([]);
        } catch (error) {
          if (!(error instanceof HardwareError)) throw error;
          expect(error.code).toBe("HARDWARE_NONSENSE");
        }
      }),
      { numRuns: 300 },
    );
  });
});
