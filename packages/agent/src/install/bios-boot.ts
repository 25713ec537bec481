/**
 * GRUB for BIOS on a disk of ours: boot.img in the first sector, the core image in a partition of its own, as
 * grub-bios-setup writes them, without its need to find its own folder on the very disk.
 * Source: GRUB 2.06, util/setup.c; include/grub/i386/pc/boot.h and kernel.h; UEFI specification, "Protective MBR"
 */
import { InstallError } from "./errors.ts";

const SECTOR_BYTES = 512;
/** From there on the first sector is the partition table's. */
const CODE_BYTES = 440;
/** The BIOS parameter block: of the disk, not of GRUB. */
const PARAMETERS_FROM = 0x03;
const PARAMETERS_TO = 0x5a;
const KERNEL_SECTOR = 0x5c;
const BOOT_DRIVE = 0x64;
/** A jump over the guess of the drive; two times NOP believes the BIOS less. */
const DRIVE_CHECK = 0x66;
const LIST_AT = SECTOR_BYTES - 12;
/** Where the second sector of the core image goes: 0x8000 and one sector, as a segment. */
const LOAD_SEGMENT = 0x820;
const SECTORS_MAX = 0xffff;

export interface BiosBoot {
  /** The first sector of the disk. */
  readonly mbr: Buffer;
  /** For the beginning of its partition. */
  readonly core: Buffer;
}

/**
 * @param present      the first sector of the disk, with its protective partition table
 * @param firstSector  of the partition for the core image, in sectors of 512 bytes
 * @throws InstallError INSTALL_BOOT_LOADER_MISSING where the files are none of GRUB's, or do not fit
 */
export function biosBoot(
  present: Uint8Array,
  bootImage: Uint8Array,
  coreImage: Uint8Array,
  firstSector: number,
  partitionBytes: number,
): BiosBoot {
  if (bootImage.length !== SECTOR_BYTES || coreImage.length < 2 * SECTOR_BYTES) {
    throw new InstallError(
      "INSTALL_BOOT_LOADER_MISSING",
      "GRUB's boot.img and core image for BIOS are not what they should be",
    );
  }
  const sectors = Math.ceil(coreImage.length / SECTOR_BYTES);
  if (sectors * SECTOR_BYTES > partitionBytes || sectors > SECTORS_MAX) {
    throw new InstallError(
      "INSTALL_BOOT_LOADER_MISSING",
      `GRUB's core image has ${coreImage.length} bytes and does not fit its partition`,
    );
  }
  const mbr = Buffer.from(present);
  const code = Buffer.from(bootImage.subarray(0, CODE_BYTES));
  code.set(mbr.subarray(PARAMETERS_FROM, PARAMETERS_TO), PARAMETERS_FROM);
  code.writeUInt16LE(0x9090, DRIVE_CHECK);
  code.writeBigUInt64LE(BigInt(firstSector), KERNEL_SECTOR);
  code.writeUInt8(0xff, BOOT_DRIVE);
  mbr.set(code);
  const core = Buffer.alloc(sectors * SECTOR_BYTES);
  core.set(coreImage);
  core.writeBigUInt64LE(BigInt(firstSector + 1), LIST_AT);
  core.writeUInt16LE(sectors - 1, LIST_AT + 8);
  core.writeUInt16LE(LOAD_SEGMENT, LIST_AT + 10);
  return { mbr, core };
}
