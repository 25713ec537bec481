/** A machine's parts for people: one line each. */
import type { Cpu, Disk, Hardware, Memory, NetworkInterface } from "@rancheros/agent/hardware";

const LABEL_WIDTH = 11;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** @returns lines; what the machine does not tell is left out */
export function formatHardware(hardware: Hardware): string {
  const { cpu, memory, disks, networkInterfaces } = hardware;
  const lines = [
    line("Processor", describeCpu(cpu)),
    line("Memory", describeMemory(memory)),
    ...disks.map((disk) => line("Disk", describeDisk(disk))),
    ...networkInterfaces.map((one) => line("Network", describeInterface(one))),
  ];
  return `${lines.join("\n")}\n`;
}

function line(label: string, facts: readonly (string | undefined)[]): string {
  const told = facts.filter((fact) => fact !== undefined && fact !== "");
  // Disks name themselves; a terminal must not believe what they say.
  const text = told.length === 0 ? "unknown" : told.join(", ").replaceAll(/\p{Cc}/gu, ".");
  return `${label.padEnd(LABEL_WIDTH)}${text}`;
}

function describeCpu(cpu: Cpu): readonly (string | undefined)[] {
  const { manufacturer, model, sockets, physicalCores, logicalCores, maxSpeedMhz } = cpu;
  return [
    [manufacturer, model].filter((word) => word !== undefined).join(" "),
    count(sockets, "socket"),
    count(physicalCores, "core"),
    count(logicalCores, "thread"),
    maxSpeedMhz === undefined ? undefined : `${maxSpeedMhz} MHz`,
  ];
}

function describeMemory({ totalBytes, swapBytes }: Memory): readonly (string | undefined)[] {
  const swap = swapBytes === undefined ? undefined : swapBytes === 0 ? "no swap" : `swap ${formatBytes(swapBytes)}`;
  return [totalBytes === undefined ? undefined : formatBytes(totalBytes), swap];
}

function describeDisk(disk: Disk): readonly (string | undefined)[] {
  const { device, sizeBytes, rotational, transport, model, serial, removable } = disk;
  const kind = rotational === undefined ? undefined : rotational ? "rotating" : "solid state";
  const number = serial === undefined ? undefined : `serial ${serial}`;
  return [device, formatBytes(sizeBytes), kind, transport, model, number, removable ? "removable" : undefined];
}

function describeInterface(one: NetworkInterface): readonly (string | undefined)[] {
  const speed = one.speedMbps === undefined ? undefined : `${one.speedMbps} Mb/s`;
  const virtual = one.virtual ? "virtual" : undefined;
  return [one.name, one.state, one.mac, one.ipv4, one.ipv6, speed, virtual, one.default ? "default route" : undefined];
}

function count(number: number | undefined, what: string): string | undefined {
  return number === undefined ? undefined : `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** @returns in binary units, three digits at least: 447 GiB, 1.86 TiB */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}
