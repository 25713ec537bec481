/**
 * What a variable such as Boot0001 says: which file of which partition is started.
 * Source: UEFI specification, "Load Options", "Hard Drive Media Device Path", "File Path Media Device Path"
 */
import { guidBytes } from "./guid-bytes.ts";

/** A partition of a disk with GPT, as its table has it. */
export interface LoaderPlace {
  /** Counted from 1. */
  readonly partitionNumber: number;
  readonly startSectors: number;
  readonly sizeSectors: number;
  /** Its own GUID. */
  readonly partitionId: string;
  /** Of the boot loader, such as BOOTX64.EFI, below \EFI\BOOT. */
  readonly fileName: string;
}

export interface LoadOption {
  readonly isActive: boolean;
  readonly description: string;
  readonly devicePath: Buffer;
}

/** By which our own entries are known again. */
export const DESCRIPTION = "RancherOS (installed)";

const ACTIVE = 1;
const HEADER_BYTES = 6;
const MEDIA = 4;
const HARD_DRIVE = 1;
const FILE_PATH = 4;
const HARD_DRIVE_BYTES = 42;
const GPT = 2;
const BY_GUID = 2;
const END = Buffer.from([0x7f, 0xff, 4, 0]);

/** @returns undefined where the partition has no GUID */
export function loadOption(place: LoaderPlace): Buffer | undefined {
  const devicePath = devicePathOf(place);
  if (devicePath === undefined) return undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(ACTIVE, 0);
  header.writeUInt16LE(devicePath.length, 4);
  return Buffer.concat([header, wideText(DESCRIPTION), devicePath]);
}

function devicePathOf(place: LoaderPlace): Buffer | undefined {
  const { partitionNumber, startSectors, sizeSectors, partitionId, fileName } = place;
  const signature = guidBytes(partitionId);
  if (signature === undefined) return undefined;
  const drive = Buffer.alloc(HARD_DRIVE_BYTES);
  drive.writeUInt8(MEDIA, 0);
  drive.writeUInt8(HARD_DRIVE, 1);
  drive.writeUInt16LE(HARD_DRIVE_BYTES, 2);
  drive.writeUInt32LE(partitionNumber, 4);
  drive.writeBigUInt64LE(BigInt(startSectors), 8);
  drive.writeBigUInt64LE(BigInt(sizeSectors), 16);
  signature.copy(drive, 24);
  drive.writeUInt8(GPT, 40);
  drive.writeUInt8(BY_GUID, 41);
  const path = wideText(`\\EFI\\BOOT\\${fileName}`);
  const file = Buffer.alloc(4);
  file.writeUInt8(MEDIA, 0);
  file.writeUInt8(FILE_PATH, 1);
  file.writeUInt16LE(4 + path.length, 2);
  return Buffer.concat([drive, file, path, END]);
}

/** UCS-2, with its end. */
function wideText(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf16le");
}

/** @returns undefined where it is none */
export function parseLoadOption(bytes: Buffer): LoadOption | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const pathBytes = bytes.readUInt16LE(4);
  for (let at = HEADER_BYTES; at + 2 <= bytes.length; at += 2) {
    if (bytes.readUInt16LE(at) !== 0) continue;
    const devicePath = bytes.subarray(at + 2, at + 2 + pathBytes);
    if (devicePath.length < pathBytes) return undefined;
    const description = bytes.subarray(HEADER_BYTES, at).toString("utf16le");
    return { isActive: (bytes.readUInt32LE(0) & ACTIVE) !== 0, description, devicePath };
  }
  return undefined;
}
