/** Everything that can end or hold up an upgrade of this machine's operating system; the codes are the `reason` in its status. */
import { CodedError, isCodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type UpgradeErrorCode =
  | "UPGRADE_ABORTED"
  | "UPGRADE_AGENT_RUNNING"
  | "UPGRADE_AGENT_SILENT"
  | "UPGRADE_CHECK_FAILED"
  | "UPGRADE_CONTAINER_FAILED"
  | "UPGRADE_CONTAINER_HANGS"
  | "UPGRADE_DEFECT"
  | "UPGRADE_DOWNGRADE"
  | "UPGRADE_FAILED_BEFORE"
  | "UPGRADE_FELL_BACK"
  | "UPGRADE_IMAGE_MISMATCH"
  | "UPGRADE_INTERRUPTED"
  | "UPGRADE_JOURNAL_BROKEN"
  | "UPGRADE_JOURNAL_UNREADABLE"
  | "UPGRADE_JOURNAL_UNSAVED"
  | "UPGRADE_MOUNT_MISSING"
  | "UPGRADE_NO_NODE"
  | "UPGRADE_NO_OTHER_SLOT"
  | "UPGRADE_NO_ROOM"
  | "UPGRADE_NODE_NOT_READY"
  | "UPGRADE_NOT_UNDER_WAY"
  | "UPGRADE_NO_REBOOT"
  | "UPGRADE_OTHER_NODE"
  | "UPGRADE_PLAN_UNREADABLE"
  | "UPGRADE_PREPARE_FAILED"
  | "UPGRADE_REBOOTS_AGAIN"
  | "UPGRADE_ROLLBACK_FAILED"
  | "UPGRADE_ROLLBACK_NOT_ASKED"
  | "UPGRADE_ROLLBACK_WAITS"
  | "UPGRADE_ROLLED_BACK_BY_HAND"
  | "UPGRADE_SLOT_LOST"
  | "UPGRADE_STATE_VOLATILE"
  | "UPGRADE_TIMED_OUT"
  | "UPGRADE_TOO_LATE"
  | "UPGRADE_UNANSWERED"
  | "UPGRADE_UNDER_WAY"
  | "UPGRADE_UNREADABLE";

export const UPGRADE_ERRORS = {
  UPGRADE_ABORTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "Somebody broke the upgrade off before the operating system was switched; what had been done was undone.",
    mend: "Nothing is to be done here; the operator grants the machine a slot again when a person retries it.",
  },
  UPGRADE_SLOT_LOST: {
    failure: "refused",
    retry: "never",
    meaning:
      "The operator has taken the slot back before the operating system was switched, or has refused the machine for half a minute; what had been done was undone.",
    mend: "Look at the ManagedOSImage for the reason: it was changed or deleted, or its nodeTimeout is too short for this machine. Where the message says that the machine is refused, look at its MachineInventory.",
  },
  UPGRADE_TIMED_OUT: {
    failure: "timeout",
    retry: "never",
    meaning: "The machine was not ready to be switched within the nodeTimeout; what had been done was undone.",
    mend: "The message says what it was waiting for; mend that, or allow more time with nodeTimeout.",
  },
  UPGRADE_FAILED_BEFORE: {
    failure: "refused",
    retry: "never",
    meaning: "This image has failed on this machine before, and is not tried again by itself.",
    mend: "Choose another image, retry the machine on purpose, or set force.",
  },
  UPGRADE_NO_ROOM: {
    failure: "environment",
    retry: "never",
    meaning: "A disk has too little room for the new operating system; nothing was begun.",
    mend: "Make room in the named folder: old images and logs take most of it.",
  },
  UPGRADE_MOUNT_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "A folder that the upgrade container needs is not there, or may not be written.",
    mend: "Check the named folder and what should be mounted there.",
  },
  UPGRADE_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning:
      "A file that an upgrade or a rollback goes by is there, and cannot be read: the disk fails, or its file system is damaged. Nothing is decided as if it were not there.",
    mend: "Look at the kernel's messages (`dmesg`) and at `smartctl -a`; where it is the disk, replace it and install the machine anew.",
  },
  UPGRADE_STATE_VOLATILE: {
    failure: "environment",
    retry: "never",
    meaning: "The agent's folder lies in memory, so that nothing would be known of the upgrade after the restart.",
    mend: "Put /var/lib/rancheros on a disk; a live system is installed, not upgraded.",
  },
  UPGRADE_IMAGE_MISMATCH: {
    failure: "nonsense",
    retry: "never",
    meaning: "The container runtime gave another image than the one whose digest was asked for.",
    mend: "Check the registry and its mirrors, and the container runtime's configuration.",
  },
  UPGRADE_DOWNGRADE: {
    failure: "refused",
    retry: "never",
    meaning: "The image holds an older version than the one that runs.",
    mend: "If that is meant, set allowDowngrade, and then let the machine try again: annotate its MachineInventory with rancheros.cattle.io/retry-upgrade.",
  },
  UPGRADE_PREPARE_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "The prepare container failed; the node was not touched.",
    mend: "Its last lines are in the message, all of them in the journal of ros-agent.",
  },
  UPGRADE_CONTAINER_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "The upgrade container failed, and no restart was under way.",
    mend: "Its last lines are in the message, all of them in the journal of ros-agent; mend the image and roll out the mended one.",
  },
  UPGRADE_CONTAINER_HANGS: {
    failure: "timeout",
    retry: "never",
    meaning: "The upgrade container did not end in its time and was stopped.",
    mend: "Its last lines are in the message; mend the image, or allow more time with nodeTimeout.",
  },
  UPGRADE_NO_REBOOT: {
    failure: "timeout",
    retry: "never",
    meaning: "A restart was under way and did not come.",
    mend: "Look with `systemctl list-jobs` for what holds the restart up, and restart the machine.",
  },
  UPGRADE_FELL_BACK: {
    failure: "environment",
    retry: "never",
    meaning: "The machine has started the operating system from before: the new one did not come up.",
    mend: "Look at the console or at the journal of the failed start; this image is not tried again here until somebody asks for it.",
  },
  UPGRADE_REBOOTS_AGAIN: {
    failure: "environment",
    retry: "never",
    meaning:
      "The upgrade container asks for another restart each time, or the machine restarts each time that it runs.",
    mend: "The image never agrees that it is installed; compare its release file with the one that runs.",
  },
  UPGRADE_NO_NODE: {
    failure: "environment",
    retry: "never",
    meaning: "The plan cordons or drains the node, and this machine shows no kubeconfig of a node.",
    mend: "Check that the machine has joined its cluster and name the kubeconfig with --kubeconfig; force goes on without.",
  },
  UPGRADE_OTHER_NODE: {
    failure: "environment",
    retry: "never",
    meaning:
      "The kubeconfig leads to the node of another machine, or the kubelet has told its API server nothing since this machine started; no node was touched.",
    mend: "Where the disk is a copy of another machine's, remove its kubeconfig and let this machine join by itself; otherwise look at the kubelet (`journalctl -u k3s -u rke2-server -u rke2-agent -u kubelet`).",
  },
  UPGRADE_PLAN_UNREADABLE: {
    failure: "nonsense",
    retry: "never",
    meaning: "The operator sent this machine a plan that its agent cannot read; nothing was done on the machine.",
    mend: "Bring the agent on this machine and the operator to versions that fit, then annotate its MachineInventory with rancheros.cattle.io/retry-upgrade.",
  },
  UPGRADE_NODE_NOT_READY: {
    failure: "timeout",
    retry: "never",
    meaning: "The node did not become Ready in its cluster after the upgrade.",
    mend: "Look at the kubelet on the machine (`journalctl -u k3s -u rke2-server -u rke2-agent -u kubelet`).",
  },
  UPGRADE_CHECK_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "One of the administrator's checks in /etc/rancheros/checks.d fails on the new operating system.",
    mend: "The message names the check and what it printed; run it by hand on the machine.",
  },
  UPGRADE_JOURNAL_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "The journal of upgrades could not be understood, and a new one was begun.",
    mend: "Look at the file that the message names. The next upgrade takes the agent's own cordon away; sooner, ros-agent undrain does.",
  },
  UPGRADE_JOURNAL_UNREADABLE: {
    failure: "environment",
    retry: "backoff",
    meaning: "The journal of upgrades cannot be read.",
    mend: "Run the command as root, and check the disk of /var/lib/rancheros.",
  },
  UPGRADE_JOURNAL_UNSAVED: {
    failure: "environment",
    retry: "backoff",
    meaning: "The journal of upgrades cannot be written, and nothing is done that it does not know of.",
    mend: "Make room on the disk of /var/lib/rancheros, and check that it is mounted for writing.",
  },
  UPGRADE_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The agent was ended in the midst of an upgrade; it goes on with it when it is started again.",
    mend: "Start the agent again: `systemctl start ros-agent`.",
  },
  UPGRADE_UNDER_WAY: {
    failure: "refused",
    retry: "never",
    meaning: "Another upgrade is under way on this machine.",
    mend: "Wait for it (`ros-agent status --watch`), or break it off with `ros-agent abort`.",
  },
  UPGRADE_NOT_UNDER_WAY: {
    failure: "refused",
    retry: "never",
    meaning: "No upgrade is under way on this machine.",
    mend: "`ros-agent status` shows how the last one ended.",
  },
  UPGRADE_TOO_LATE: {
    failure: "refused",
    retry: "never",
    meaning: "The upgrade cannot be broken off any more: the operating system may have been switched.",
    mend: "Wait for its end; `ros-agent rollback` starts the operating system from before.",
  },
  UPGRADE_NO_OTHER_SLOT: {
    failure: "environment",
    retry: "never",
    meaning: "There is no other operating system on this machine that it could go back to.",
    mend: "Upgrade to the earlier image instead: `ros-agent upgrade IMAGE --allow-downgrade`.",
  },
  UPGRADE_ROLLBACK_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "The boot loader could not be told to start the operating system from before.",
    mend: "Check that grub2-editenv is there and that /oem can be written.",
  },
  UPGRADE_ROLLBACK_WAITS: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "Somebody has asked for a rollback on this machine, which comes with its next restart; an upgrade would take its place, and waits for that.",
    mend: "Restart the machine (`systemctl reboot`): the rollback comes first, and the upgrade goes on after it. Or call the rollback off there: `ros-agent rollback --cancel`.",
  },
  UPGRADE_ROLLBACK_NOT_ASKED: {
    failure: "refused",
    retry: "never",
    meaning: "No rollback waits for this machine's next restart, so that there is none to be called off.",
    mend: "`ros-agent status` shows what the machine is about to do.",
  },
  UPGRADE_ROLLED_BACK_BY_HAND: {
    failure: "refused",
    retry: "never",
    meaning: "Somebody went back to the operating system from before with `ros-agent rollback`.",
    mend: "The image is not tried again here until somebody asks for it.",
  },
  UPGRADE_AGENT_RUNNING: {
    failure: "refused",
    retry: "never",
    meaning: "Another agent runs on this machine, and only one may.",
    mend: "Talk to it with `ros-agent status`, `upgrade` and `abort`, or end it: `systemctl stop ros-agent`.",
  },
  UPGRADE_AGENT_SILENT: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The agent that runs on this machine does not answer.",
    mend: "Look at it with `systemctl status ros-agent`; restart it if it hangs, it goes on where it was.",
  },
  UPGRADE_UNANSWERED: {
    failure: "timeout",
    retry: "never",
    meaning:
      "The agent that runs on this machine was asked to do something, and its answer did not come: it may have done it, or may do it yet.",
    mend: "`ros-agent status` tells of upgrades, and `ros-agent rollback --cancel --dry-run` whether a rollback waits for the next restart. To ask again does no harm. Look at the agent with `systemctl status ros-agent`.",
  },
  UPGRADE_DEFECT: {
    failure: "internal",
    retry: "never",
    meaning: "Something happened in the upgrade that this program does not expect.",
    mend: "This is a defect of this program: please report it with the message.",
  },
} as const satisfies ErrorTable<UpgradeErrorCode>;

/** Thrown by everything in this folder, beside the coded errors of the parts that it was handed. */
export class UpgradeError extends CodedError<UpgradeErrorCode> {
  constructor(code: UpgradeErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(UPGRADE_ERRORS, code, message, options);
  }
}

/** What no part has named is a defect. */
export function codedError(error: unknown): CodedError {
  if (isCodedError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new UpgradeError("UPGRADE_DEFECT", `unexpected: ${message}`, { cause: error });
}
