/** A disk of this machine, as lsblk and the kernel describe it. */

export interface Disk {
  /** Such as /dev/vda. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly model: string;
  readonly serial: string;
  readonly kind: "nvme" | "ssd" | "hdd" | "loop";
  readonly isRemovable: boolean;
  readonly isReadOnly: boolean;
  /** Why it is in use, one phrase; undefined where it is not. */
  readonly use: string | undefined;
  /** Labels and kinds of what is on it, for whoever is asked. */
  readonly contents: readonly string[];
  /** Other names: /dev/disk/by-id/... */
  readonly names: readonly string[];
}

export interface DiskRule {
  /** A path, or a name below /dev/disk/by-id. */
  readonly device: string | undefined;
  /** Whoever gave the name did so by hand, and may overrule the rest with it. */
  readonly isByHand: boolean;
  readonly minBytes: number | undefined;
  readonly maxBytes: number | undefined;
  readonly kind: "nvme" | "ssd" | "hdd" | undefined;
  /** A part of it, in any case. */
  readonly model: string | undefined;
}

export const NO_RULE: DiskRule = {
  device: undefined,
  isByHand: false,
  minBytes: undefined,
  maxBytes: undefined,
  kind: undefined,
  model: undefined,
};

export function sizeText(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${Math.round((bytes / 1024 ** 3) * 10) / 10} GiB`;
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
