/** Everything that can go wrong between this program and a container runtime, with what to do about it. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type ContainerErrorCode =
  | "CONTAINER_COMMAND_MISSING"
  | "CONTAINER_DEADLINE"
  | "CONTAINER_DISK_FULL"
  | "CONTAINER_FILE_TOO_LARGE"
  | "CONTAINER_IMAGE_MISSING"
  | "CONTAINER_IMAGE_WRONG"
  | "CONTAINER_INTERRUPTED"
  | "CONTAINER_LEFT_BEHIND"
  | "CONTAINER_MOUNT_FAILED"
  | "CONTAINER_NAME_TAKEN"
  | "CONTAINER_NONSENSE"
  | "CONTAINER_PERMISSION"
  | "CONTAINER_RUNTIME_FAILED"
  | "CONTAINER_RUNTIME_MISSING"
  | "CONTAINER_RUNTIME_UNREACHABLE"
  | "CONTAINER_RUN_FOLDER"
  | "CONTAINER_SPEC_INVALID"
  | "CONTAINER_TIMED_OUT";

export const CONTAINER_ERRORS = {
  CONTAINER_RUNTIME_MISSING: {
    failure: "environment",
    retry: "backoff",
    meaning:
      "This node shows no container runtime: neither containerd with ctr, nor nerdctl, podman or docker; or the one that is to be used has not started.",
    mend: "Start k3s, rke2 or containerd, or name the runtime and its socket by --runtime and --runtime-socket; the details tell where it was looked for. An upgrade waits for the runtime that it began with.",
  },
  CONTAINER_RUNTIME_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The container runtime's socket is there, but nothing answers behind it.",
    mend: "Look at the runtime's service: `systemctl status k3s rke2-server rke2-agent containerd docker`.",
  },
  CONTAINER_RUNTIME_FAILED: {
    failure: "environment",
    retry: "backoff",
    meaning: "The container runtime refused a request for a reason that this program has no better name for.",
    mend: "Read the runtime's own words in the details and its service's log: `journalctl -u k3s -u rke2-server -u containerd`.",
  },
  CONTAINER_PERMISSION: {
    failure: "environment",
    retry: "never",
    meaning: "This user may not use the container runtime.",
    mend: "Run ros-agent as root, as its systemd unit does.",
  },
  CONTAINER_TIMED_OUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The container runtime did not answer a request in time.",
    mend: "Look whether the node is short of memory or its disk hangs; the runtime's log tells more.",
  },
  CONTAINER_NONSENSE: {
    failure: "nonsense",
    retry: "never",
    meaning: "The container runtime's program said something that this program does not understand.",
    mend: "Please report it with the details and the output of `ctr version` (or of the program that the node uses).",
  },
  CONTAINER_SPEC_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The container that is asked for cannot be run as it is described.",
    mend: "Correct the named fields of prepare or upgradeContainer in the ManagedOSImage.",
  },
  CONTAINER_IMAGE_MISSING: {
    failure: "environment",
    retry: "backoff",
    meaning: "The image is not in the container runtime's store.",
    mend: "Pull it again; if it vanished by itself, something cleans images up on this node.",
  },
  CONTAINER_IMAGE_WRONG: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "What the container runtime stored under the image's name is not the image that was asked for.",
    mend: "Remove the image by the runtime's own program and pull again; if it comes back, look who else writes images on this node.",
  },
  CONTAINER_COMMAND_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "The image does not have the program that the container should run.",
    mend: "Check the image, or set upgradeContainer.command to a program that it has; the default is /usr/sbin/suc-upgrade.",
  },
  CONTAINER_MOUNT_FAILED: {
    failure: "environment",
    retry: "never",
    meaning:
      "A file or folder of this machine cannot be shown to the container: it is missing and cannot be made, or does not fit to what the image has there.",
    mend: "Correct volumes of prepare or upgradeContainer in the ManagedOSImage, or make the folder that the message names; one that is missing is made by ros-agent, but not on a read-only file system.",
  },
  CONTAINER_NAME_TAKEN: {
    failure: "environment",
    retry: "never",
    meaning: "There is a container of this name that ros-agent did not make, so it is left alone.",
    mend: "Remove or rename that container; names that begin with ros-agent belong to this program.",
  },
  CONTAINER_DEADLINE: {
    failure: "timeout",
    retry: "never",
    meaning: "The container ran longer than it may, and was ended.",
    mend: "Read its last lines for what it waited for; give it more time only if it was at work.",
  },
  CONTAINER_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The work with the container runtime was broken off on request, and the container was ended.",
    mend: "Start it again.",
  },
  CONTAINER_LEFT_BEHIND: {
    failure: "environment",
    retry: "backoff",
    meaning: "A container could not be ended or removed, so it may be running still.",
    mend: "A process that cannot be killed waits for a disk or network file system: look with `ps -eo pid,stat,wchan:30,args | grep ' D'`; a restart of the node ends it.",
  },
  CONTAINER_DISK_FULL: {
    failure: "environment",
    retry: "backoff",
    meaning: "The container runtime's storage has too little room.",
    mend: "Free space on the named file system (`crictl rmi --prune` removes images that nothing uses), or enlarge it.",
  },
  CONTAINER_FILE_TOO_LARGE: {
    failure: "nonsense",
    retry: "never",
    meaning: "A file of the image is larger than it can reasonably be.",
    mend: "Check the image: release files have a few hundred bytes.",
  },
  CONTAINER_RUN_FOLDER: {
    failure: "environment",
    retry: "never",
    meaning: "The folder for the container's files cannot be made, written or read.",
    mend: "Make sure that the named folder exists, has room, and may be written by this user.",
  },
} as const satisfies ErrorTable<ContainerErrorCode>;

/** Thrown by everything in this folder; what registries do wrong is an ImagePullError. */
export class ContainerError extends CodedError<ContainerErrorCode> {
  constructor(code: ContainerErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(CONTAINER_ERRORS, code, message, options);
  }
}
