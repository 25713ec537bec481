/** What can go wrong when a machine is asked what it is made of. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type HardwareErrorCode =
  "HARDWARE_INTERRUPTED" | "HARDWARE_NONSENSE" | "HARDWARE_TIMED_OUT" | "HARDWARE_UNREADABLE";

export const HARDWARE_ERRORS = {
  HARDWARE_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning: "The process that asks the system for its hardware could not be started, or it died.",
    mend: "See the cause; /proc and /sys must be mounted, and the package util-linux (lsblk, lscpu) be installed.",
  },
  HARDWARE_TIMED_OUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The system did not tell its hardware in time; what was still running was ended.",
    mend: "Look with `dmesg` for a disk that does not answer, and try `lsblk` and `lscpu` by hand.",
  },
  HARDWARE_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "Reading the hardware was broken off on request.",
    mend: "Run the command again.",
  },
  HARDWARE_NONSENSE: {
    failure: "nonsense",
    retry: "never",
    meaning: "What the system told about its hardware is not of the expected shape.",
    mend: "This is most likely a defect of this program: please report it with the output of `lsblk -bPO` and `lscpu`.",
  },
} as const satisfies ErrorTable<HardwareErrorCode>;

/** Thrown by everything in this folder. */
export class HardwareError extends CodedError<HardwareErrorCode> {
  constructor(code: HardwareErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(HARDWARE_ERRORS, code, message, options);
  }
}
