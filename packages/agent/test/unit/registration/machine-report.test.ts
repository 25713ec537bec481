import { describe, expect, it } from "vitest";
import { REQUEST_MAX_BYTES, readMachineReport, STATE_MAX_BYTES } from "@rancheros/protocol/attestation";
import type { Hardware } from "@rancheros/agent/hardware";

import {
  answerReportBytes,
  hardwareTree,
  machineReport,
  operatingSystem,
  reportBytes,
  type ReportParts,
} from "../../../src/registration/machine-report.ts";

const HARDWARE: Hardware = {
  cpu: {
    manufacturer: "Intel",
    model: "Xeon",
    sockets: 2,
    physicalCores: undefined,
    logicalCores: 64,
    maxSpeedMhz: undefined,
  },
  memory: { totalBytes: 1024, swapBytes: 0 },
  disks: [],
  networkInterfaces: [],
};

const PARTS: ReportParts = {
  smbios: { "System Information": { "Serial Number": "S1" } },
  hardware: HARDWARE,
  labels: { rack: "r1" },
  annotations: {},
  facts: { hostname: "node-1", addresses: ["10.0.0.7", "fd00::7"], osRelease: 'NAME="SLE Micro"\nVERSION_ID="6.0"\n' },
  agentVersion: "0.1.0",
  node: undefined,
};

describe("machineReport", () => {
  it("is what the other side reads", () => {
    expect(readMachineReport(reportBytes(machineReport(PARTS)))).toMatchObject({
      smbios: { "System Information": { "Serial Number": "S1" } },
      hardware: { cpu: { manufacturer: "Intel", sockets: "2", logicalCores: "64" }, memory: { swapBytes: "0" } },
      labels: { rack: "r1" },
      addresses: [
        { type: "Hostname", address: "node-1" },
        { type: "InternalIP", address: "10.0.0.7" },
        { type: "InternalIP", address: "fd00::7" },
      ],
      os: { name: "SLE Micro", version: "6.0", image: "" },
      agentVersion: "0.1.0",
    });
  });

  it("leaves out what nobody knows", () => {
    const nothing = { hostname: "", addresses: [], osRelease: "" };
    const report = machineReport({ ...PARTS, smbios: undefined, hardware: undefined, facts: nothing });
    expect(readMachineReport(reportBytes(report))).toMatchObject({
      smbios: undefined,
      hardware: undefined,
      addresses: [],
      os: undefined,
    });
  });

  it("fits into the request with SMBIOS of any size, text of any kind, and the largest state", () => {
    for (const count of [0, 1, 10, 100, 1_000]) {
      const smbios = Object.fromEntries(
        Array.from({ length: count }, (_none, index) => [`Section ${index}`, { Text: 'é"\\'.repeat(50), More: "x" }]),
      );
      const disks = Array.from({ length: 2 * count }, (_none, index) => ({
        device: `/dev/sd${index}`,
        model: "M".repeat(count),
        serial: "\u{1F4BE}".repeat(200),
        sizeBytes: index,
        rotational: false,
        transport: undefined,
        removable: false,
      }));
      const report = machineReport({ ...PARTS, smbios, hardware: { ...HARDWARE, disks } });
      const bytes = answerReportBytes(report, STATE_MAX_BYTES);
      const message = 4 * Math.ceil(bytes.length / 3) + 4 * Math.ceil(STATE_MAX_BYTES / 3);
      expect(message).toBeLessThan(REQUEST_MAX_BYTES - 150);
      expect(readMachineReport(bytes).labels).toMatchObject({ rack: "r1" });
    }
  });

  // Node Feature Discovery alone has one for each thing that a processor can do.
  it("has all labels of a node that others have found features of", () => {
    const labels = Object.fromEntries(
      Array.from({ length: 600 }, (_, at) => [`feature.node.kubernetes.io/cpu-cpuid.FEATURE${at}`, "true"]),
    );
    const named = { name: "n", uid: "u", ready: true, unschedulable: false, bootId: "b", kubeletVersion: "v1.37.2" };
    const report = machineReport({ ...PARTS, node: { ...named, labels } });
    for (const bytes of [reportBytes(report), answerReportBytes(report, STATE_MAX_BYTES)]) {
      expect(bytes.length).toBeLessThanOrEqual(REQUEST_MAX_BYTES);
      expect(Object.keys(readMachineReport(bytes).node?.labels ?? {})).toHaveLength(600);
    }
  });

  it("keeps below the protocol's number of entries", () => {
    const section = Object.fromEntries(Array.from({ length: 900 }, (_none, index) => [`k${index}`, ""]));
    const smbios = { One: section, "System Information": section, Three: section };
    const report = readMachineReport(reportBytes(machineReport({ ...PARTS, smbios, hardware: undefined })));
    expect(Object.keys(report.smbios ?? {})).toEqual(["One", "System Information"]);
  });
});

describe("hardwareTree", () => {
  it("lists no more than 64 of a kind", () => {
    const disk = {
      device: "/dev/sda",
      model: undefined,
      serial: undefined,
      sizeBytes: 1,
      rotational: undefined,
      transport: undefined,
      removable: false,
    };
    const tree = hardwareTree({ ...HARDWARE, disks: Array.from({ length: 70 }, () => disk) });
    expect(tree["disks"]).toHaveLength(64);
  });
});

describe("hardwareTree of a node with more pods than are listed", () => {
  it("lists the default route first, then cards, then the pods' interfaces, each by name", () => {
    const unknown = { mac: undefined, state: undefined, ipv4: undefined, ipv6: undefined };
    const one = { ...unknown, speedMbps: undefined, mtuBytes: undefined, virtual: true, default: false };
    const networkInterfaces = [
      ...Array.from({ length: 110 }, (_none, index) => ({ ...one, name: `cali${index}` })),
      { ...one, name: "br0", default: true },
      { ...one, name: "eth0", virtual: false },
      { ...one, name: "eth1", virtual: false },
    ];
    const listed = hardwareTree({ ...HARDWARE, networkInterfaces })["networkInterfaces"];
    expect(listed).toHaveLength(64);
    expect(listed).toMatchObject([
      { name: "br0" },
      { name: "eth0" },
      { name: "eth1" },
      ...Array.from({ length: 61 }, (_none, index) => ({ name: `cali${index}` })),
    ]);
  });
});

describe("operatingSystem", () => {
  it.each([
    [
      'NAME="A \\"B\\""\nVERSION=\'1 (x)\'\nIMAGE_TAG=registry.test/os:1\n',
      { name: 'A "B"', version: "1 (x)", image: "registry.test/os:1" },
    ],
    ["# nothing\nPRETTY_NAME=Only\n", { name: "Only", version: "", image: "" }],
    ["garbage", undefined],
  ])("reads %j", (text, os) => {
    expect(operatingSystem(text)).toEqual(os);
  });
});
