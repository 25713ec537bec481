/** What can go wrong with the variables of a machine's firmware. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type FirmwareErrorCode = "FIRMWARE_UNREADABLE" | "FIRMWARE_UNSAVED";

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
} as const satisfies ErrorTable<FirmwareErrorCode>;

export class FirmwareError extends CodedError<FirmwareErrorCode> {
  constructor(code: FirmwareErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(FIRMWARE_ERRORS, code, message, options);
  }
}
