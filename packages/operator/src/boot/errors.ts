/** What can be wrong with boot media. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type BootErrorCode =
  "BOOT_BUSY" | "BOOT_MEDIA_BROKEN" | "BOOT_MEDIA_INVALID" | "BOOT_MEDIA_NOT_SET" | "BOOT_REGISTRY_SILENT";

export const BOOT_ERRORS: ErrorTable<BootErrorCode> = {
  BOOT_MEDIA_NOT_SET: {
    failure: "refused",
    retry: "never",
    meaning: "The MachineRegistration names no boot media, so that no machine boots from the network through it.",
    mend: "Set spec.boot.media of the MachineRegistration to an artifact that scripts/push-media has pushed.",
  },
  BOOT_MEDIA_INVALID: {
    failure: "nonsense",
    retry: { afterMs: 60_000 },
    meaning: "What spec.boot.media names is no boot media: it lacks a kernel, an initrd or a squashfs.",
    mend: "Push it again with scripts/push-media; an OS image itself is not boot media, scripts/build-media makes them of it.",
  },
  BOOT_MEDIA_BROKEN: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "The registry gave other bytes than the digest promises; the machine's transfer was broken off.",
    mend: "Check the registry's storage, or push the boot media again.",
  },
  BOOT_BUSY: {
    failure: "refused",
    retry: { afterMs: 10_000 },
    meaning:
      "As many machines as one replica serves are loading their boot files at this moment, or wait for a registry to say what they are.",
    mend: "Nothing to do: machines ask again by themselves. More replicas serve more at a time.",
  },
  BOOT_REGISTRY_SILENT: {
    failure: "timeout",
    retry: { afterMs: 10_000 },
    meaning:
      "The registry has not said in time what the boot media are; the operator goes on asking, and the machine comes again.",
    mend: "If it stays so, check that the registry of spec.boot.media answers, and that of the signatures where an image policy asks for them.",
  },
};

export class BootError extends CodedError<BootErrorCode> {
  constructor(code: BootErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(BOOT_ERRORS, code, message, options);
  }
}
