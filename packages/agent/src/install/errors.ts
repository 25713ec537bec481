/** Everything that can keep an operating system from being installed, with what to do about it. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type InstallErrorCode =
  | "INSTALL_BOOT_LOADER_MISSING"
  | "INSTALL_BUSY"
  | "INSTALL_CONFIG_UNREADABLE"
  | "INSTALL_DECLINED"
  | "INSTALL_DISK_FAILED"
  | "INSTALL_DISK_HELD"
  | "INSTALL_DISK_IN_USE"
  | "INSTALL_DISK_INSTALLED"
  | "INSTALL_DISK_READ_ONLY"
  | "INSTALL_DISK_TOO_SMALL"
  | "INSTALL_DISK_UNKNOWN"
  | "INSTALL_DISK_UNWANTED"
  | "INSTALL_DISK_VANISHED"
  | "INSTALL_INTERRUPTED"
  | "INSTALL_MARK_UNSAVED"
  | "INSTALL_NO_DISK"
  | "INSTALL_NO_SOURCE"
  | "INSTALL_NOT_ASKED"
  | "INSTALL_NOT_LIVE"
  | "INSTALL_PARTITIONS_MISSING"
  | "INSTALL_SETTINGS_INVALID";

export const INSTALL_ERRORS = {
  INSTALL_SETTINGS_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "A setting of the installation has a value that cannot be.",
    mend: "Correct the named settings on the kernel's command line (rancheros.install.*), in the file, or in the MachineRegistration.",
  },
  INSTALL_BUSY: {
    failure: "busy",
    retry: "backoff",
    meaning:
      "Another process is installing this machine, or asks at another console whether it may; or the machine is about to restart from its disk, which is installed.",
    mend: "Look at it with `journalctl -u ros-agent-install`, or at the other console; `systemctl stop ros-agent-install` ends the one that asks nobody.",
  },
  INSTALL_CONFIG_UNREADABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The configuration that configUrl names cannot be fetched, or is no cloud-config.",
    mend: "Check the address and that this machine reaches it: `curl` it from the live system.",
  },
  INSTALL_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning:
      "The installation, or a reset, was broken off while it waited for something, such as an answer; nothing was written to any disk.",
    mend: "Start it again with `ros-agent install`; it begins from the beginning.",
  },
  INSTALL_NO_DISK: {
    failure: "environment",
    retry: "never",
    meaning: "This machine has no disk that could be installed to, or none that the rule fits.",
    mend: "The message says what is against each disk: free one, name one with --device, or loosen rancheros.install.deviceSelector. Where it shows none, the live system lacks the driver of the controller.",
  },
  INSTALL_DISK_UNKNOWN: {
    failure: "usage",
    retry: "never",
    meaning: "There is no disk under the name that was given.",
    mend: "`lsblk` and `ls -l /dev/disk/by-id` show the names of disks; give a whole disk, not a partition.",
  },
  INSTALL_DISK_UNWANTED: {
    failure: "refused",
    retry: "never",
    meaning: "The settings name a disk that does not fit their own deviceSelector; nothing was written.",
    mend: "Correct rancheros.install.device or rancheros.install.deviceSelector, which may stand in two places (the kernel's command line, the file, configUrl, the MachineRegistration). `--device` names a disk whatever the selector says.",
  },
  INSTALL_DISK_IN_USE: {
    failure: "refused",
    retry: "never",
    meaning:
      "The disk is mounted, swapped to, part of a RAID or volume group, storage of a cluster such as Ceph's, or the medium from which the live system runs.",
    mend: "Choose another disk, or take it out of use (umount, swapoff, mdadm --stop, vgchange -an); what is left of a RAID, a volume group or a cluster's storage that is not needed any more goes with `wipefs --all`.",
  },
  INSTALL_DISK_INSTALLED: {
    failure: "refused",
    retry: "never",
    meaning:
      "The live system's service, which asks nobody, found an installed system on a disk, or cannot tell whether there is one: this machine was probably started from the network or a medium by accident. Nothing was written.",
    mend: "Take the medium out, or let the firmware try the disk first, and restart (`systemctl reboot`). With UEFI and `rancheros.install.installed=start` a live system that was loaded over the network starts it from its disk by itself; where it does not, the message says why. To erase the machine set `rancheros.install.reinstall: true` in the MachineRegistration (and take it out again afterwards) or on the kernel's command line, or install it by hand: `i` at a console's menu, or `ros-agent install --yes`. Where the disk that the message names is another one than the machine's own, name that one with `rancheros.install.device`.",
  },
  INSTALL_DISK_READ_ONLY: {
    failure: "environment",
    retry: "never",
    meaning: "The disk cannot be written.",
    mend: "Look for a write-protection switch, at the controller's settings and at the kernel's messages (`dmesg`).",
  },
  INSTALL_DISK_TOO_SMALL: {
    failure: "environment",
    retry: "never",
    meaning: "The disk has no room for two operating systems and the machine's state; nothing was written.",
    mend: "Use a greater disk, a smaller image, or smaller slots (rancheros.install.slotSize).",
  },
  INSTALL_DISK_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "The disk refuses what is written to it.",
    mend: "Look at the kernel's messages (`dmesg`) and `smartctl -a`, replace the disk, and start again.",
  },
  INSTALL_DISK_HELD: {
    failure: "environment",
    retry: "never",
    meaning:
      "The work on the disk is over, whether it went well or not, and a file system on it could not be taken down.",
    mend: "After a good installation everything is on the disk, and a restart is safe; otherwise look who holds it (`findmnt`, `fuser -vm`) before starting again.",
  },
  INSTALL_MARK_UNSAVED: {
    failure: "environment",
    retry: "never",
    meaning: "The installation is over and went well; that it did could not be written down in the live system.",
    mend: "Restart the machine, which starts what was installed. While it stays in the live system, make room in /run; its service knows by the disk that this machine is installed.",
  },
  INSTALL_DISK_VANISHED: {
    failure: "environment",
    retry: "never",
    meaning: "The disk has gone while it was written.",
    mend: "Check cable, power and controller, and start again: it begins from the beginning.",
  },
  INSTALL_PARTITIONS_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "The kernel does not show the partitions that were made.",
    mend: "Restart the live system and start again; `partx --show DISK` and `dmesg` tell what it sees.",
  },
  INSTALL_NO_SOURCE: {
    failure: "usage",
    retry: "never",
    meaning: "There is nothing to install: no image is named, and this is no live system that could install itself.",
    mend: "Set rancheros.install.osImage (or --os-image) to an image with its digest, or start from the ISO or by PXE.",
  },
  INSTALL_NOT_LIVE: {
    failure: "refused",
    retry: "never",
    meaning: "This machine runs from a slot: it is installed already.",
    mend: "Use `ros-agent upgrade IMAGE` or `ros-agent reset`; to install it anew start from the ISO or by PXE, and say there that it may be erased: `i` at the console's menu, or `rancheros.install.reinstall`.",
  },
  INSTALL_NOT_ASKED: {
    failure: "usage",
    retry: "never",
    meaning: "Nobody is there to ask whether the disk may be erased, or the machine reset, and nothing says so.",
    mend: "Set rancheros.install.automatic=true (or --yes), or start it on a terminal.",
  },
  INSTALL_DECLINED: {
    failure: "refused",
    retry: "never",
    meaning: "Somebody said no when asked whether the disk may be erased, or the machine reset; nothing was written.",
    mend: "Start it again when the right disk is chosen (--device).",
  },
  INSTALL_BOOT_LOADER_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "The parts of GRUB are not in this system.",
    mend: "The image brings grub-common, and grub-pc-bin or grub-efi-amd64-bin (Debian's names): add them.",
  },
} as const satisfies ErrorTable<InstallErrorCode>;

/** Thrown by everything in this folder, beside SlotError and the errors of registration and images. */
export class InstallError extends CodedError<InstallErrorCode> {
  constructor(code: InstallErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(INSTALL_ERRORS, code, message, options);
  }
}
