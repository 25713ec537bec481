/** How a disk is divided. Source: docs/decisions/0015-slots.md; UEFI specification, "GPT"; GRUB manual, "BIOS installation" */
import { PARTITIONS } from "../slots/index.ts";
import { sizeText } from "./disk.ts";
import { InstallError } from "./errors.ts";

export type PartitionRole = keyof typeof PARTITIONS;

export interface PlannedPartition {
  readonly role: PartitionRole;
  readonly name: string;
  readonly sizeBytes: number;
  readonly typeId: string;
  /** Its own, of this installation: what GRUB and the kernel find it by. */
  readonly id: string;
}

export interface DiskLayout {
  readonly partitions: readonly PlannedPartition[];
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Where the first partition begins: behind the table. */
const FIRST_BYTES = MIB;
/** Before the first partition, and behind the last: the table, twice. */
const EDGE_BYTES = FIRST_BYTES + MIB;
/** Of the ESP: less would be no FAT32 on a disk whose sectors have 4096 bytes. */
const SIZES = { bios: MIB, esp: 300 * MIB, oem: 128 * MIB } as const;
const SLOT_DEFAULT_MIN = 2 * GIB;
const SLOT_DEFAULT_MAX = 8 * GIB;
const SLOT_MIN = 128 * MIB;
/** Containers, logs and what people put there; less makes no node. */
const STATE_MIN = GIB;

const LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
const TYPES: Readonly<Record<PartitionRole, string>> = {
  bios: "21686148-6449-6E6F-744E-656564454649",
  esp: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  oem: LINUX,
  a: LINUX,
  b: LINUX,
  state: LINUX,
};
const ORDER: readonly PartitionRole[] = ["bios", "esp", "oem", "a", "b", "state"];

export interface LayoutWish {
  /** Of each slot; undefined: by the disk's size. */
  readonly slotBytes: number | undefined;
  /** What the operating system takes, as far as it can be told before. */
  readonly systemBytes: number;
}

/** What a disk has to have at least. */
export function neededBytes({ slotBytes, systemBytes }: LayoutWish): number {
  const slot = slotBytes ?? Math.max(SLOT_DEFAULT_MIN, roundUp(systemBytes));
  return fixedBytes() + 2 * roundUp(slot) + STATE_MIN;
}

/**
 * @param newId  a UUID, another one each time
 * @throws InstallError INSTALL_DISK_TOO_SMALL, INSTALL_SETTINGS_INVALID
 */
export function planLayout(diskBytes: number, wish: LayoutWish, newId: () => string): DiskLayout {
  const { slotBytes, systemBytes } = wish;
  if (slotBytes !== undefined && slotBytes < Math.max(SLOT_MIN, systemBytes)) {
    const least = sizeText(Math.max(SLOT_MIN, systemBytes));
    throw new InstallError(
      "INSTALL_SETTINGS_INVALID",
      `slotSize is ${sizeText(slotBytes)}, and the system needs about ${least}`,
    );
  }
  const byDisk = Math.min(SLOT_DEFAULT_MAX, Math.max(SLOT_DEFAULT_MIN, Math.floor(diskBytes / 5)));
  const slot = roundUp(slotBytes ?? Math.max(byDisk, systemBytes));
  const state = Math.floor((diskBytes - fixedBytes() - 2 * slot) / MIB) * MIB;
  if (state < STATE_MIN) {
    const needed = sizeText(neededBytes(wish));
    throw new InstallError("INSTALL_DISK_TOO_SMALL", `the disk has ${sizeText(diskBytes)}, and ${needed} are needed`, {
      details: { diskBytes, neededBytes: neededBytes(wish) },
    });
  }
  const sizes: Readonly<Record<PartitionRole, number>> = { ...SIZES, a: slot, b: slot, state };
  const partitions = ORDER.map((role) => ({
    role,
    name: PARTITIONS[role],
    sizeBytes: sizes[role],
    typeId: TYPES[role],
    id: newId(),
  }));
  return { partitions };
}

/** Counted from 1, as in the partition table. */
export function numberedPartition(
  { partitions }: DiskLayout,
  role: PartitionRole,
): { readonly number: number; readonly id: string } {
  const at = partitions.findIndex((one) => one.role === role);
  const found = partitions[at];
  if (found === undefined) throw new InstallError("INSTALL_PARTITIONS_MISSING", `no partition ${role} is planned`);
  return { number: at + 1, id: found.id };
}

/**
 * For sfdisk's stdin. All counts in sectors, and where the first may begin is said: whatever is left to sfdisk, or has a unit, it
 * rounds to what the disk calls its best length of a transfer, which may be many MiB, or no whole MiB.
 * Source: sfdisk(8), "Header lines" and "Named-fields format"; libfdisk, fdisk_save_user_grain
 * @param sectorBytes  of the disk's logical sectors
 */
export function sfdiskScript({ partitions }: DiskLayout, sectorBytes: number): string {
  const sectors = (bytes: number): number => bytes / sectorBytes;
  const rows: string[] = [];
  let startBytes = FIRST_BYTES;
  for (const { name, sizeBytes, typeId, id } of partitions) {
    const place = `start=${sectors(startBytes)}, size=${sectors(sizeBytes)}`;
    rows.push(`name="${name}", ${place}, type=${typeId}, uuid=${id}`);
    startBytes += sizeBytes;
  }
  return ["label: gpt", `first-lba: ${sectors(FIRST_BYTES)}`, "", ...rows, ""].join("\n");
}

function fixedBytes(): number {
  return EDGE_BYTES + SIZES.bios + SIZES.esp + SIZES.oem;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}
