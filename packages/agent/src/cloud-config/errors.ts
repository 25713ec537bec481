/** How a cloud-config can be wrong, and how applying it can fail. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type CloudConfigErrorCode =
  | "CLOUD_CONFIG_INVALID"
  | "CLOUD_CONFIG_BUSY"
  | "CLOUD_CONFIG_COMMAND_FAILED"
  | "CLOUD_CONFIG_INTERRUPTED"
  | "CLOUD_CONFIG_PROGRAM_FAILED"
  | "CLOUD_CONFIG_PROGRAM_MISSING"
  | "CLOUD_CONFIG_UNAPPLIED";

export const CLOUD_CONFIG_ERRORS = {
  CLOUD_CONFIG_INVALID: {
    failure: "usage",
    retry: "never",
    meaning:
      "The cloud-config cannot be used; each thing that is wrong has its line and column. Nothing of it was applied.",
    mend: "Correct the lines that are named, and remove what cannot be read; `ros-agent config validate FILE` looks again without changing anything.",
  },
  CLOUD_CONFIG_BUSY: {
    failure: "busy",
    retry: "backoff",
    meaning: "Another process is applying a cloud-config to this machine.",
    mend: "Wait until it has ended: `systemctl status ros-agent-config ros-agent-join`.",
  },
  CLOUD_CONFIG_COMMAND_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "Commands of runcmd have failed, or were broken off; they are not run again.",
    mend: "Look at what they said with `journalctl -u ros-agent-runcmd`, and run by hand what is needed.",
  },
  CLOUD_CONFIG_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "Applying was broken off; what was done stays, and applying again does the rest.",
    mend: "Run the command again.",
  },
  CLOUD_CONFIG_PROGRAM_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "A program of the operating system, such as useradd, refuses what the cloud-config wants.",
    mend: "Read its own sentence; run the program by hand with other values, or correct the cloud-config.",
  },
  CLOUD_CONFIG_PROGRAM_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "The operating system lacks a program that is needed for users and groups.",
    mend: "Install the package with useradd, usermod, groupadd and chpasswd: `passwd` (Debian) or `shadow` (SUSE).",
  },
  CLOUD_CONFIG_UNAPPLIED: {
    failure: "environment",
    retry: "never",
    meaning: "A part of the cloud-config does not fit to this machine, or has failed; the other parts were applied.",
    mend: "Correct what the sentence names; applying again changes only what is missing.",
  },
} as const satisfies ErrorTable<CloudConfigErrorCode>;

export class CloudConfigError extends CodedError<CloudConfigErrorCode> {
  constructor(code: CloudConfigErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(CLOUD_CONFIG_ERRORS, code, message, options);
  }
}
