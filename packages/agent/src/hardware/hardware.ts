/** What a machine is made of, and how that is made of what the system tells. */
import { HardwareError } from "./errors.ts";

/** Whatever the machine does not tell is undefined, never an empty text or a zero. */
export interface Hardware {
  readonly cpu: Cpu;
  readonly memory: Memory;
  /** By name. Whole disks with something in them; no partitions, volumes, loop devices or memory disks. */
  readonly disks: readonly Disk[];
  /** By name, without the loopback. */
  readonly networkInterfaces: readonly NetworkInterface[];
}

export interface Cpu {
  readonly manufacturer: string | undefined;
  readonly model: string | undefined;
  readonly sockets: number | undefined;
  readonly physicalCores: number | undefined;
  /** What the kernel schedules on: cores times their threads. */
  readonly logicalCores: number | undefined;
  readonly maxSpeedMhz: number | undefined;
}

export interface Memory {
  /** What the kernel has, somewhat less than what is plugged in. */
  readonly totalBytes: number | undefined;
  /** 0 where the machine has none. */
  readonly swapBytes: number | undefined;
}

export interface Disk {
  /** For example /dev/sda; may change with a restart. */
  readonly device: string;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly sizeBytes: number;
  /** As the kernel believes: virtual machines often call all disks rotational. */
  readonly rotational: boolean | undefined;
  /** sata, nvme, usb, virtio, ...: the transport in lsblk's words. */
  readonly transport: string | undefined;
  readonly removable: boolean;
}

export interface NetworkInterface {
  readonly name: string;
  readonly mac: string | undefined;
  /** The kernel made it up: bridge, bond, VLAN, veth, tunnel. The only card of a virtual machine is not virtual in this sense. */
  readonly virtual: boolean;
  /** "up", "down", ... as the kernel says. */
  readonly state: string | undefined;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly speedMbps: number | undefined;
  readonly mtuBytes: number | undefined;
  /** Whether the default route leads through it. */
  readonly default: boolean;
}

type Row = Readonly<Record<string, unknown>>;

/**
 * @param told  what `io/systeminformation.ts` collects: answers of systeminformation 5 and what the kernel says of its interfaces
 * @throws HardwareError  HARDWARE_NONSENSE where a whole part is missing; a single field that makes no sense is undefined
 */
export function hardwareOf(told: unknown): Hardware {
  const all = row(told, "answer");
  const virtualDisks = new Set(rows(all["virtualDisks"], "virtualDisks").map(({ name }) => name));
  return {
    cpu: cpuOf(row(all["cpu"], "cpu")),
    memory: memoryOf(row(all["memory"], "memory")),
    disks: rows(all["disks"], "disks")
      .filter(({ name, type }) => type === "disk" && !virtualDisks.has(name))
      .flatMap((disk) => diskOf(disk))
      .sort((one, other) => compareNames(one.device, other.device)),
    networkInterfaces: rows(all["links"], "links")
      .flatMap((link) => networkInterfaceOf(link))
      .sort((one, other) => compareNames(one.name, other.name)),
  };
}

function cpuOf(cpu: Row): Cpu {
  const maxSpeedGhz = positive(cpu["speedMax"]) ?? positive(cpu["speed"]);
  return {
    manufacturer: text(cpu["manufacturer"]),
    model: text(cpu["brand"]),
    sockets: positive(cpu["processors"]),
    physicalCores: positive(cpu["physicalCores"]),
    logicalCores: positive(cpu["cores"]),
    maxSpeedMhz: maxSpeedGhz === undefined ? undefined : positive(Math.round(maxSpeedGhz * 1000)),
  };
}

function memoryOf(memory: Row): Memory {
  const swap = memory["swaptotal"];
  return { totalBytes: positive(memory["total"]), swapBytes: swap === 0 ? 0 : positive(swap) };
}

/** None for a drive with nothing in it. */
function diskOf(disk: Row): readonly Disk[] {
  const name = text(disk["name"]);
  const sizeBytes = positive(disk["size"]);
  if (name === undefined || sizeBytes === undefined) return [];
  const physical = text(disk["physical"]);
  return [
    {
      device: text(disk["device"]) ?? `/dev/${name}`,
      model: text(disk["model"]),
      serial: text(disk["serial"]),
      sizeBytes,
      rotational: physical === "SSD" ? false : physical === "HDD" ? true : undefined,
      transport: text(disk["protocol"])?.toLowerCase(),
      removable: disk["removable"] === true,
    },
  ];
}

function networkInterfaceOf(link: Row): readonly NetworkInterface[] {
  const name = text(link["name"]);
  const addresses = Array.isArray(link["addresses"]) ? link["addresses"].filter((one) => isRow(one)) : [];
  if (name === undefined || name === "lo" || addresses.some(({ internal }) => internal === true)) return [];
  const speedMbps = numberOf(link["speed"]);
  return [
    {
      name,
      mac: macOf(text(link["address"])),
      virtual: link["virtual"] === true,
      state: text(link["state"]),
      ipv4: addressOf(addresses, "IPv4", /^169\.254\./),
      ipv6: addressOf(addresses, "IPv6", /^fe80:/i),
      // The kernel says -1, or 4294967295 where that went through an unsigned number, for a card that does not tell.
      speedMbps: speedMbps === 0xffff_ffff ? undefined : speedMbps,
      mtuBytes: numberOf(link["mtu"]),
      default: link["default"] === true,
    },
  ];
}

/** The first one that leads further than the link; the first one where none does. */
function addressOf(addresses: readonly Row[], family: string, linkLocal: RegExp): string | undefined {
  const ofFamily = addresses.filter((one) => one["family"] === family).flatMap((one) => text(one["address"]) ?? []);
  return ofFamily.find((address) => !linkLocal.test(address)) ?? ofFamily[0];
}

/** Of a text in sysfs, which is empty where the kernel knows none. */
function numberOf(value: unknown): number | undefined {
  const told = text(value);
  return told !== undefined && /^\d{1,15}$/.test(told) ? positive(Number(told)) : undefined;
}

function macOf(address: string | undefined): string | undefined {
  return address === undefined || address === "00:00:00:00:00:00" ? undefined : address.toLowerCase();
}

/** eth2 before eth10. */
function compareNames(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

/** systeminformation has these words for what it could not find out; a real serial number is none of them. */
const NOTHING: ReadonlySet<string> = new Set([
  "",
  "-",
  "unknown",
  "n/a",
  "none",
  "null",
  "undefined",
  "default string",
]);

function text(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const trimmed = value.trim();
  return NOTHING.has(trimmed.toLowerCase()) ? undefined : trimmed;
}

function positive(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function row(value: unknown, part: string): Row {
  if (isRow(value)) return value;
  throw new HardwareError("HARDWARE_NONSENSE", `the system's ${part} is not an object`, { details: { part } });
}

function rows(value: unknown, part: string): readonly Row[] {
  if (Array.isArray(value)) return value.map((one: unknown) => row(one, part));
  throw new HardwareError("HARDWARE_NONSENSE", `the system's ${part} is not a list`, { details: { part } });
}
