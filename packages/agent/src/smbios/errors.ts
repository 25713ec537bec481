/** What can go wrong with SMBIOS tables. */

import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type SmbiosErrorCode =
  | "SMBIOS_ABSENT"
  | "SMBIOS_DENIED"
  | "SMBIOS_UNREADABLE"
  | "SMBIOS_TOO_LARGE"
  | "SMBIOS_ENTRY_POINT"
  | "SMBIOS_TRUNCATED"
  | "SMBIOS_MALFORMED"
  | "SMBIOS_HEADER_LIMIT";

export const SMBIOS_ERRORS = {
  SMBIOS_ABSENT: {
    failure: "environment",
    retry: "never",
    meaning: "The place that should hold the SMBIOS tables does not exist.",
    mend: "Some boards and virtual machines have no SMBIOS; otherwise check that sysfs is mounted, or give captured tables with --dump (register: --smbios-dump).",
  },
  SMBIOS_DENIED: {
    failure: "environment",
    retry: "never",
    meaning: "The kernel lets only root read the SMBIOS tables.",
    mend: "Run the command as root, or give captured tables that you may read with --dump (register: --smbios-dump).",
  },
  SMBIOS_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning: "Reading the SMBIOS tables failed, or one of them is not a file.",
    mend: "See the cause; the folder must hold the files smbios_entry_point and DMI.",
  },
  SMBIOS_TOO_LARGE: {
    failure: "nonsense",
    retry: "never",
    meaning: "A table is larger than any that firmware makes, so it was not read.",
    mend: "Check that the folder really holds SMBIOS tables.",
  },
  SMBIOS_ENTRY_POINT: {
    failure: "nonsense",
    retry: "never",
    meaning: "The entry point has no known anchor, a wrong length or a wrong checksum.",
    mend: "Capture the tables again; if they come from the running machine, look for a firmware update.",
  },
  SMBIOS_TRUNCATED: {
    failure: "nonsense",
    retry: "never",
    meaning: "The table ends before the structures that it announces.",
    mend: "Capture the tables again; if they come from the running machine, look for a firmware update.",
  },
  SMBIOS_MALFORMED: {
    failure: "nonsense",
    retry: "never",
    meaning: "A structure's length is impossible, so nothing after it can be found.",
    mend: "Capture the tables again; if they come from the running machine, look for a firmware update.",
  },
  SMBIOS_HEADER_LIMIT: {
    failure: "usage",
    retry: "never",
    meaning: "The limit for the SMBIOS header is too small even for an empty report.",
    mend: "Allow at least 4 bytes, in practice 6 KiB or more.",
  },
} satisfies ErrorTable<SmbiosErrorCode>;

/** Thrown by this domain. `details.offset` is a position in the table, in bytes. */
export class SmbiosError extends CodedError<SmbiosErrorCode> {
  constructor(code: SmbiosErrorCode, message: string, options?: CodedErrorOptions) {
    super(SMBIOS_ERRORS, code, message, options);
  }
}

/**
 * Whether a machine has to do without its SMBIOS: it has none, or its firmware broke it, which nobody mends where the machine
 * stands. What root could read is not among it.
 */
export function isSmbiosLost(error: unknown): error is SmbiosError {
  return error instanceof SmbiosError && error.code !== "SMBIOS_DENIED";
}
