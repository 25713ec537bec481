/** Which disk is installed to, by rule: never one in use, never the medium that the live system runs from. */
import { sizeText, type Disk, type DiskRule } from "./disk.ts";
import { InstallError } from "./errors.ts";

export interface JudgedDisk {
  readonly disk: Disk;
  /** What is against it, one phrase; undefined where it could be taken. */
  readonly against: string | undefined;
}

export interface DiskChoice {
  readonly disk: Disk;
  /** One phrase for people: why this one. */
  readonly why: string;
  readonly judged: readonly JudgedDisk[];
}

/** Fast ones first. */
const ORDER: readonly Disk["kind"][] = ["nvme", "ssd", "hdd", "loop"];

/**
 * @param neededBytes  for the installation
 * @throws InstallError INSTALL_NO_DISK, INSTALL_DISK_UNKNOWN, INSTALL_DISK_IN_USE, INSTALL_DISK_READ_ONLY, INSTALL_DISK_TOO_SMALL,
 *         INSTALL_DISK_UNWANTED
 */
export function chooseDisk(disks: readonly Disk[], rule: DiskRule, neededBytes: number): DiskChoice {
  const judged = disks.map((disk) => ({ disk, against: againstDisk(disk, rule, neededBytes) }));
  if (rule.device !== undefined) {
    const disk = namedDisk(disks, rule.device);
    requireFit(disk, neededBytes);
    requireWanted(disk, rule);
    return { disk, why: "it was named", judged };
  }
  const left = judged.filter(({ against }) => against === undefined).map(({ disk }) => disk);
  const [first, ...others] = left.sort(bySuitability);
  if (first === undefined) throw noDisk(judged);
  return { disk: first, why: whyChosen(first, others), judged };
}

/** Nobody can choose wrongly between one and itself; otherwise the smallest of the fast ones, which is rarely the one for data. */
function whyChosen({ kind }: Disk, others: readonly Disk[]): string {
  if (others.length === 0) return "it is the only one that fits";
  const isFast = kind === "nvme" || kind === "ssd";
  return isFast ? "it is the smallest solid-state disk that fits" : "it is the smallest disk that fits";
}

function bySuitability(one: Disk, other: Disk): number {
  const speed = (disk: Disk): number => (disk.kind === "nvme" || disk.kind === "ssd" ? 0 : 1);
  return (
    Number(one.isRemovable) - Number(other.isRemovable) ||
    speed(one) - speed(other) ||
    one.sizeBytes - other.sizeBytes ||
    ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) ||
    (one.path < other.path ? -1 : 1)
  );
}

function againstDisk(disk: Disk, rule: DiskRule, neededBytes: number): string | undefined {
  if (disk.kind === "loop") return "it is a file, and taken only when it is named";
  if (disk.use !== undefined) return disk.use;
  if (disk.isReadOnly) return "it is read-only";
  if (disk.sizeBytes < neededBytes) return `it is smaller than ${sizeText(neededBytes)}`;
  return againstRule(disk, rule);
}

function againstRule(
  disk: Disk,
  { minBytes = 0, maxBytes = Infinity, kind, model = "" }: DiskRule,
): string | undefined {
  if (disk.sizeBytes < minBytes) return `it is smaller than ${sizeText(minBytes)}`;
  if (disk.sizeBytes > maxBytes) return `it is larger than ${sizeText(maxBytes)}`;
  const isKind = kind === undefined || disk.kind === kind || (kind === "ssd" && disk.kind === "nvme");
  if (!isKind) return `it is no ${kind}`;
  return disk.model.toLowerCase().includes(model.toLowerCase()) ? undefined : `its model is ${disk.model || "unknown"}`;
}

/** @param device  a path, or a name of /dev/disk/by-id */
export function findNamed(disks: readonly Disk[], device: string): Disk | undefined {
  const names = device.startsWith("/") ? [device] : [`/dev/disk/by-id/${device}`, `/dev/${device}`];
  return disks.find((disk) => names.some((name) => disk.path === name || disk.names.includes(name)));
}

function namedDisk(disks: readonly Disk[], device: string): Disk {
  const found = findNamed(disks, device);
  if (found !== undefined) return found;
  throw new InstallError("INSTALL_DISK_UNKNOWN", `there is no disk ${device}`, { details: { device } });
}

/** @throws InstallError */
export function requireFit(disk: Disk, neededBytes: number): void {
  const { path, use, isReadOnly, sizeBytes } = disk;
  const details = { device: path };
  if (use !== undefined) throw new InstallError("INSTALL_DISK_IN_USE", `${path} cannot be taken: ${use}`, { details });
  if (isReadOnly) throw new InstallError("INSTALL_DISK_READ_ONLY", `${path} is read-only`, { details });
  if (sizeBytes >= neededBytes) return;
  throw new InstallError(
    "INSTALL_DISK_TOO_SMALL",
    `${path} has ${sizeText(sizeBytes)}, and ${sizeText(neededBytes)} are needed`,
    { details: { ...details, sizeBytes, neededBytes } },
  );
}

/** The name and the selector may come from two people: one of them did not mean this disk. */
function requireWanted(disk: Disk, rule: DiskRule): void {
  const against = rule.isByHand ? undefined : againstRule(disk, rule);
  if (against === undefined) return;
  const device = rule.device ?? disk.path;
  throw new InstallError(
    "INSTALL_DISK_UNWANTED",
    `rancheros.install.device names ${device}, which rancheros.install.deviceSelector does not let be taken: ${against}`,
    { details: { device } },
  );
}

function noDisk(judged: readonly JudgedDisk[]): InstallError {
  if (judged.length === 0) return new InstallError("INSTALL_NO_DISK", "this machine shows no disk");
  const told = judged.map(({ disk, against }) => `${disk.path}: ${against ?? ""}`).join("; ");
  return new InstallError("INSTALL_NO_DISK", `none of the disks fits: ${told}`);
}
