/** What can go wrong with the variables of a machine's firmware, and with what stands in for them. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type FirmwareErrorCode = "FIRMWARE_UNREADABLE" | "FIRMWARE_UNSAVED" | "FIRMWARE_COUNT_UNSAVED";

export const FIRMWARE_ERRORS = {
  FIRMWARE_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning: "The variables of this machine's firmware cannot be read, so nothing is known of what it starts.",
    mend: "Look whether `ls /sys/firmware/efi/efivars` shows them: the kernel may have been started with `efi=noruntime`, or nobody has mounted efivarfs. Let the firmware try the disk first.",
  },
  FIRMWARE_UNSAVED: {
    failure: "environment",
    retry: "never",
    meaning: "The firmware did not take a variable, or says something else of it than what was written.",
    mend: "Let the firmware try the disk first, in its own menu. Where it has no room left, as `dmesg` may tell, delete entries that nobody needs there.",
  },
  FIRMWARE_COUNT_UNSAVED: {
    failure: "environment",
    retry: "never",
    meaning:
      "How often the firmware was told in a row to start this machine's disk cannot be read or kept on the disk's partition ROS_ESP. The firmware keeps the same count, and the machine starts all the same.",
    mend: "Look at the partition with `mdir -i /dev/disk/by-partlabel/ROS_ESP ::` (Debian: mtools) and at `dmesg`: it may be full, or its disk may take nothing any more. The file of the count is ROSTARTS.TXT there, and may be deleted.",
  },
} as const satisfies ErrorTable<FirmwareErrorCode>;

export class FirmwareError extends CodedError<FirmwareErrorCode> {
  constructor(code: FirmwareErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(FIRMWARE_ERRORS, code, message, options);
  }
}
