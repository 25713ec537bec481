/** Everything that can go wrong between this program and a TPM, with what to do about it. */

import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

import type { ResponseCode } from "./response-code.ts";

export type TpmErrorCode =
  | "TPM_AUTHORISATION_SET"
  | "TPM_BUSY"
  | "TPM_CHALLENGE_MALFORMED"
  | "TPM_CHALLENGE_REFUSED"
  | "TPM_COMMAND_FAILED"
  | "TPM_DEVICE_MISSING"
  | "TPM_EK_CERTIFICATE_MISMATCH"
  | "TPM_EK_CERTIFICATE_UNREADABLE"
  | "TPM_EK_UNSUPPORTED"
  | "TPM_HIERARCHY_DISABLED"
  | "TPM_INTERRUPTED"
  | "TPM_LEFT_BEHIND"
  | "TPM_LOCKOUT"
  | "TPM_MISUSED"
  | "TPM_NONSENSE"
  | "TPM_NO_ROOM"
  | "TPM_PERMISSION"
  | "TPM_RSA_UNSUPPORTED"
  | "TPM_TCTI_INVALID"
  | "TPM_TIMED_OUT"
  | "TPM_TOOLS_MISSING"
  | "TPM_TOOLS_TOO_OLD"
  | "TPM_UNREACHABLE"
  | "TPM_WORK_FOLDER";

export const TPM_ERRORS = {
  TPM_DEVICE_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "This machine shows no TPM under the given name.",
    mend: "Switch the TPM on in the firmware set-up (TPM 2.0, PTT or fTPM), look at `ls /dev/tpm*`, or name another with --tcti.",
  },
  TPM_PERMISSION: {
    failure: "environment",
    retry: "never",
    meaning: "The TPM is there, but this user may not open it.",
    mend: "Run the command as root, or add the user to the group that owns the device (tss on most systems).",
  },
  TPM_TOOLS_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "The tpm2_* programs, through which the TPM is used, are not installed.",
    mend: "Install the package tpm2-tools: `apt-get install tpm2-tools` (Debian) or `zypper install tpm2-tools` (SUSE, called tpm2.0-tools on older ones).",
  },
  TPM_TOOLS_TOO_OLD: {
    failure: "environment",
    retry: "never",
    meaning: "The installed tpm2_* programs do not know an option that this program gives them.",
    mend: "Install tpm2-tools 5.0 or later; `tpm2_getcap --version` tells which there are.",
  },
  TPM_TCTI_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The TPM's address (TCTI) is not one that tpm2-tools understand.",
    mend: "Give --tcti as tpm2-tools take it, for example device:/dev/tpmrm0 or swtpm:host=127.0.0.1,port=2321.",
  },
  TPM_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "Nothing that speaks TPM answers at the given address, or the connection broke.",
    mend: "Check that the TPM or its emulator runs and that --tcti names its address.",
  },
  TPM_BUSY: {
    failure: "tpm",
    retry: "backoff",
    meaning: "The TPM, or another program that holds it, has no time now.",
    mend: "Try again; if it stays so, look with `fuser -v /dev/tpm0` for the program that holds the TPM, and prefer /dev/tpmrm0.",
  },
  TPM_NO_ROOM: {
    failure: "tpm",
    retry: "backoff",
    meaning: "The TPM's memory for keys or sessions is full of what other programs left there.",
    mend: "Use the resource manager device:/dev/tpmrm0, or clear the leftovers with `tpm2_flushcontext -t`, `-l` and `-s`.",
  },
  TPM_LOCKOUT: {
    failure: "tpm",
    retry: "never",
    meaning:
      "The TPM is in dictionary attack lockout: it was given too many wrong passwords and refuses to use its keys for a while.",
    mend: "Wait for the lockout to pass (`tpm2_getcap properties-variable` tells the interval), or end it with `tpm2_dictionarylockout --clear-lockout`.",
  },
  TPM_AUTHORISATION_SET: {
    failure: "tpm",
    retry: "never",
    meaning: "A hierarchy of the TPM has a password, and this program only works where it is empty.",
    mend: "Empty the endorsement hierarchy's password (`tpm2_changeauth -c endorsement -p OLD`), or clear the TPM in the firmware set-up.",
  },
  TPM_HIERARCHY_DISABLED: {
    failure: "tpm",
    retry: "never",
    meaning: "The TPM's endorsement hierarchy is switched off, so its endorsement key cannot be used.",
    mend: "Enable the endorsement hierarchy in the firmware set-up and restart the machine.",
  },
  TPM_RSA_UNSUPPORTED: {
    failure: "tpm",
    retry: "never",
    meaning: "The TPM makes no RSA-2048 keys (ECC only), and rancherd's protocol knows RSA endorsement keys only.",
    mend: "Leave --protocol legacy out, or look the hash up with --ek ecc-p256; or switch to the machine's other TPM (discrete or firmware) if it has one.",
  },
  TPM_EK_UNSUPPORTED: {
    failure: "tpm",
    retry: "never",
    meaning: "The TPM makes no endorsement keys of the kind that --ek asks for.",
    mend: "Leave --ek out: RSA-2048 is what every TPM has, and ECC P-256 is taken where there is none.",
  },
  TPM_EK_CERTIFICATE_UNREADABLE: {
    failure: "nonsense",
    retry: "never",
    meaning: "The NV index that should hold the endorsement key certificate holds something that cannot be used.",
    mend: "Look at it with `tpm2_nvread INDEX | openssl x509 -inform der -text`, INDEX being the one that is named; a firmware update of the maker may restore it. `--without-ek-certificate` registers the machine by its key alone.",
  },
  TPM_EK_CERTIFICATE_MISMATCH: {
    failure: "tpm",
    retry: "never",
    meaning: "The endorsement key certificate in the TPM's NV memory certifies a key that this TPM does not have.",
    mend: "The certificate belongs to another TPM or the TPM's seed was changed: restore the maker's certificate, or remove the index.",
  },
  TPM_CHALLENGE_MALFORMED: {
    failure: "nonsense",
    retry: "never",
    meaning: "The server's credential challenge is not a TPM credential.",
    mend: "Check that the registration URL leads to a RancherOS operator and not to something in between.",
  },
  TPM_CHALLENGE_REFUSED: {
    failure: "tpm",
    retry: "never",
    meaning:
      "The TPM cannot open the server's credential challenge: it was made for another TPM or for another attestation key.",
    mend: "Register again; if it stays so, the server keeps an older key of this machine, or someone answers in the server's place.",
  },
  TPM_COMMAND_FAILED: {
    failure: "tpm",
    retry: "never",
    meaning: "A TPM command failed in a way that this program has no better name for.",
    mend: "Run the named tpm2 tool by hand to see more; a TPM in failure mode needs a power cycle.",
  },
  TPM_TIMED_OUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The TPM did not answer a command in time.",
    mend: "Slow TPMs need up to 20 s for a key: allow more time; a TPM that answers nothing needs a power cycle.",
  },
  TPM_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The work with the TPM was broken off on request; what it had made in the TPM was removed.",
    mend: "Run the command again.",
  },
  TPM_NONSENSE: {
    failure: "nonsense",
    retry: "never",
    meaning: "A tpm2 tool reported success but gave something that is not the expected TPM structure.",
    mend: "Check the version with `tpm2_getcap --version`: 5.0 or later is needed.",
  },
  TPM_WORK_FOLDER: {
    failure: "environment",
    retry: "never",
    meaning: "The folder for the tools' temporary files cannot be made, written or read.",
    mend: "Make sure that the named folder exists, has room, and may be written by this user.",
  },
  TPM_LEFT_BEHIND: {
    failure: "tpm",
    retry: "never",
    meaning: "Something that this program made in the TPM could not be removed again.",
    mend: "It is gone after a restart; `tpm2_flushcontext -t` (keys) or `-s` (sessions) removes it at once, that of other programs too.",
  },
  TPM_MISUSED: {
    failure: "internal",
    retry: "never",
    meaning: "This program asked the TPM for something that makes no sense.",
    mend: "This is a defect of this program: please report it with the details.",
  },
} as const satisfies ErrorTable<TpmErrorCode>;

export interface TpmErrorOptions extends CodedErrorOptions {
  /** The TPM's own words, where it had any. */
  readonly response?: ResponseCode | undefined;
}

/** Thrown by everything in this folder, and nothing else is. */
export class TpmError extends CodedError<TpmErrorCode> {
  readonly response: ResponseCode | undefined;

  constructor(code: TpmErrorCode, message: string, options: TpmErrorOptions = {}) {
    const { response, ...rest } = options;
    const told = response === undefined ? {} : { responseCode: response.code, responseName: response.name };
    super(TPM_ERRORS, code, message, { ...rest, details: { ...told, ...rest.details } });
    this.response = response;
  }
}
