/** Everything that can go wrong with a machine's two slots, with what to do about it. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type SlotErrorCode =
  | "SLOT_BOOT_CHECK_FAILED"
  | "SLOT_EMPTY"
  | "SLOT_ENVIRONMENT_BROKEN"
  | "SLOT_ENVIRONMENT_UNSAVED"
  | "SLOT_IMAGE_FOREIGN"
  | "SLOT_IMAGE_INCOMPLETE"
  | "SLOT_INTERRUPTED"
  | "SLOT_LAYER_BROKEN"
  | "SLOT_NEVER_GOOD"
  | "SLOT_NONE_HERE"
  | "SLOT_NO_RESTART"
  | "SLOT_NO_ROOM"
  | "SLOT_ON_TRIAL"
  | "SLOT_READ_BACK_DIFFERS"
  | "SLOT_RESET_PENDING"
  | "SLOT_SOURCE_CORRUPT"
  | "SLOT_STATE_FULL"
  | "SLOT_TOO_SMALL"
  | "SLOT_TOOL_FAILED"
  | "SLOT_TOOL_HANGS"
  | "SLOT_TOOL_MISSING"
  | "SLOT_TOOL_STUCK"
  | "SLOT_UNREADABLE"
  | "SLOT_WRITE_FAILED";

export const SLOT_ERRORS = {
  SLOT_NONE_HERE: {
    failure: "environment",
    retry: "never",
    meaning: "This machine has no two slots: it was not installed by `ros-agent install`, or runs its live system.",
    mend: "Install it with `ros-agent install`; on cOS and Elemental systems `upgrade` and `rollback` go their way.",
  },
  SLOT_EMPTY: {
    failure: "environment",
    retry: "never",
    meaning: "The other slot holds no operating system that was written to its end.",
    mend: "Upgrade to the image that is wanted instead: `ros-agent upgrade IMAGE`.",
  },
  SLOT_NEVER_GOOD: {
    failure: "refused",
    retry: "never",
    meaning:
      "No boot check of this machine has found the other slot good since writing it was begun last: what it holds was not tried, or tried in vain, or writing it was broken off so early that nobody can tell what is left of what it held before. There is nothing to go back to.",
    mend: "Upgrade to the image that is wanted instead: `ros-agent upgrade IMAGE`, with `--allow-downgrade` for an older one.",
  },
  SLOT_ENVIRONMENT_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "GRUB's environment block cannot be read, or is none.",
    mend: "Check that ROS_OEM is mounted at /oem and look with `grub-editenv /oem/grub/grubenv list`; installing again writes a new one.",
  },
  SLOT_ENVIRONMENT_UNSAVED: {
    failure: "environment",
    retry: "backoff",
    meaning:
      "GRUB's environment block cannot be written, so that nothing is changed in what starts next; where the message says that it may count all the same, the disk took the old words back neither.",
    mend: "Check that /oem is mounted for writing and has room; `dmesg` tells of a disk that fails.",
  },
  SLOT_IMAGE_INCOMPLETE: {
    failure: "refused",
    retry: "never",
    meaning: "The image lacks what a machine needs to start from it: kernel, initrd, systemd, or this agent.",
    mend: "The message names what is missing; docs/bring-your-own-image.md says what an image must bring.",
  },
  SLOT_IMAGE_FOREIGN: {
    failure: "refused",
    retry: "never",
    meaning:
      "The programs in the image are made for another processor than this machine's, whatever its manifest says.",
    mend: "Build the image for this machine's processor.",
  },
  SLOT_LAYER_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "A layer of the image is no archive that can be unpacked.",
    mend: "Build and push the image again; OCI layers are tar files, plain or compressed with gzip or zstd.",
  },
  SLOT_SOURCE_CORRUPT: {
    failure: "environment",
    retry: "never",
    meaning: "The system that is to be copied (the live system's squashfs) cannot be read to its end.",
    mend: "The boot medium is damaged or was pulled out: write or load it again, and check its checksum.",
  },
  SLOT_TOO_SMALL: {
    failure: "environment",
    retry: "never",
    meaning: "The operating system does not fit into its slot.",
    mend: "Use a smaller image, or install with a greater slot (rancheros.install.slotSize).",
  },
  SLOT_STATE_FULL: {
    failure: "environment",
    retry: "backoff",
    meaning:
      "The machine's state (ROS_STATE) has no room, or no room for further files, for what the new operating system brings for /var, /home, /opt and the like; the node was not drained for it.",
    mend: "Make room on the machine: images that nobody uses, `journalctl --vacuum-size=200M`, then `du -xh /var | sort -h | tail`; where it is the number of files, `du -x --inodes /var | sort -n | tail`.",
  },
  SLOT_NO_ROOM: {
    failure: "environment",
    retry: "backoff",
    meaning:
      "A small file of the agent, in /oem, in the machine's state or in an installation's work folder, cannot be written, as its disk has no room.",
    mend: "The message names the file: `df -h` and `df -i` on its folder say what is short; take away from it what is not needed.",
  },
  SLOT_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning:
      "A file of a slot or of the machine's state is there, and cannot be read: the disk fails, or its file system is damaged.",
    mend: "Look at the kernel's messages (`dmesg`) and at `smartctl -a`; a slot that does not run is made anew by the next upgrade.",
  },
  SLOT_WRITE_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "The disk refuses what is written to it: it is read-only, broken, or gone.",
    mend: "Look at the kernel's messages (`dmesg`), check cable and disk, and start again; the slot that runs is untouched.",
  },
  SLOT_READ_BACK_DIFFERS: {
    failure: "environment",
    retry: "never",
    meaning: "The disk gives back something else than was written.",
    mend: "The disk or the memory is failing: look at `smartctl -a` and replace it; nothing was switched.",
  },
  SLOT_TOOL_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "A program that is needed to write disks is not there.",
    mend: "The message names program and package; an image that is to be installed and upgraded brings them.",
  },
  SLOT_TOOL_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "A program that works on disks has failed.",
    mend: "Its own words are in the message; look at the kernel's messages (`dmesg`) too. A partition that is mounted somewhere (`findmnt`) is not formatted: unmount it.",
  },
  SLOT_TOOL_HANGS: {
    failure: "timeout",
    retry: "never",
    meaning: "A program that works on disks did not end in its time.",
    mend: "The disk does not answer: look at the kernel's messages (`dmesg`).",
  },
  SLOT_TOOL_STUCK: {
    failure: "timeout",
    retry: "never",
    meaning:
      "A program that works on disks was killed and does not end: it waits in the kernel for a disk that does not answer.",
    mend: "Look at the kernel's messages (`dmesg`), cable and controller; only the disk's answer or a restart ends that program.",
  },
  SLOT_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "Writing was broken off on request; the slot that was being written is not used.",
    mend: "Start again: the slot is written anew.",
  },
  SLOT_BOOT_CHECK_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "The operating system that was tried did not come through its health checks.",
    mend: "The message names the units and checks; the slot from before starts next.",
  },
  SLOT_RESET_PENDING: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "A reset was asked for, and the next start wipes the machine: until then no slot is written or tried, as the wiping would come after it.",
    mend: "Restart the machine: `systemctl reboot`. After the reset it can be upgraded.",
  },
  SLOT_ON_TRIAL: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "The slot that runs is on trial, so that the other one is the only one that is known to start: it is not written over.",
    mend: "Wait for the boot check (`systemctl status ros-agent-boot-check`), which finds this slot good or restarts into the other one.",
  },
  SLOT_NO_RESTART: {
    failure: "environment",
    retry: "backoff",
    meaning: "The restart that was asked for does not begin.",
    mend: "Look with `systemctl list-jobs` and `systemd-inhibit --list` for what holds it back, then restart the machine: `systemctl reboot`, or `systemctl reboot --force`.",
  },
} as const satisfies ErrorTable<SlotErrorCode>;

/** Thrown by everything in this folder. */
export class SlotError extends CodedError<SlotErrorCode> {
  constructor(code: SlotErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(SLOT_ERRORS, code, message, options);
  }
}
