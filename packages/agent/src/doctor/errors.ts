/** What is wrong with a machine and has no code in another domain, with what to do about it. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type DoctorErrorCode =
  | "DOCTOR_ARCHIVE_LEAKS"
  | "DOCTOR_ARCHIVE_UNSAVED"
  | "DOCTOR_BOOT_TRIAL_FAILED"
  | "DOCTOR_BOOT_TRIAL_PENDING"
  | "DOCTOR_CLOCK_UNKEPT"
  | "DOCTOR_CLOCK_WRONG"
  | "DOCTOR_DEFECT"
  | "DOCTOR_DISK_FULL"
  | "DOCTOR_DISK_READ_ONLY"
  | "DOCTOR_DISK_UNREADABLE"
  | "DOCTOR_DNS_SLOW"
  | "DOCTOR_EK_CERTIFICATE_ABSENT"
  | "DOCTOR_EK_CERTIFICATE_EXPIRED"
  | "DOCTOR_EK_CHAIN_UNKNOWN"
  | "DOCTOR_INTERRUPTED"
  | "DOCTOR_NODE_CORDONED"
  | "DOCTOR_NODE_NOT_READY"
  | "DOCTOR_NO_TIME_LEFT"
  | "DOCTOR_OPERATOR_TROUBLE"
  | "DOCTOR_RIGHTS_MISSING"
  | "DOCTOR_SERVICE_FAILED"
  | "DOCTOR_SERVICE_STOPPED"
  | "DOCTOR_SMBIOS_NAMELESS"
  | "DOCTOR_SYSTEMD_SILENT"
  | "DOCTOR_TIMED_OUT"
  | "DOCTOR_TPM_FAILED_LOGINS"
  | "DOCTOR_TPM_SLOW"
  | "DOCTOR_UNREGISTERED"
  | "DOCTOR_WATCHDOG_MISSING"
  | "DOCTOR_WATCHDOG_UNFED";

export const DOCTOR_ERRORS = {
  DOCTOR_TPM_FAILED_LOGINS: {
    failure: "tpm",
    retry: "never",
    meaning: "Somebody has given the TPM wrong passwords; some more, and it locks itself for a while.",
    mend: "Find out who does that; `tpm2_dictionarylockout --clear-lockout` sets the counter back.",
  },
  DOCTOR_TPM_SLOW: {
    failure: "timeout",
    retry: "backoff",
    meaning:
      "The TPM answers, but needs longer for a key than doctor waits. Slow TPMs need up to 20 s, which is no fault.",
    mend: "See with `ros-agent get-tpm-hash` and `ros-agent register URL --check`, which wait longer.",
  },
  DOCTOR_EK_CERTIFICATE_ABSENT: {
    failure: "environment",
    retry: "never",
    meaning: "The TPM holds no certificate of its maker; an operator that asks for one refuses the machine.",
    mend: "Nothing to do where the MachineRegistration allows machines without one; otherwise a firmware update of the maker may bring it.",
  },
  DOCTOR_EK_CERTIFICATE_EXPIRED: {
    failure: "environment",
    retry: "never",
    meaning: "The certificate of the endorsement key is out of date, or not valid yet.",
    mend: "Check the clock (`date`) first; a firmware update of the maker may bring a new certificate.",
  },
  DOCTOR_EK_CHAIN_UNKNOWN: {
    failure: "refused",
    retry: "never",
    meaning: "The certificate of the endorsement key comes from none of the CAs that were given with --ek-ca.",
    mend: "Add the maker's CA certificates, with those in between, to the file and to the operator's; docs/trust.md says where they are.",
  },
  DOCTOR_SMBIOS_NAMELESS: {
    failure: "environment",
    retry: "never",
    meaning: "The firmware has no serial number or product name of this machine, or only a placeholder.",
    mend: "Do not make names or labels of it in a MachineRegistration, or set it with the maker's tool.",
  },
  DOCTOR_CLOCK_WRONG: {
    failure: "environment",
    retry: "never",
    meaning: "This machine's clock is wrong: certificates and sessions will not be believed, in either direction.",
    mend: "Set it (`date -s`), and have it kept right: `timedatectl set-ntp true`, or `ntp` in the cloud-config.",
  },
  DOCTOR_CLOCK_UNKEPT: {
    failure: "environment",
    retry: "never",
    meaning: "Nothing keeps this machine's clock right, and it could not be compared with the operator's.",
    mend: "Switch time synchronisation on: `timedatectl set-ntp true`, or `ntp` in the cloud-config.",
  },
  DOCTOR_DNS_SLOW: {
    failure: "timeout",
    retry: "backoff",
    meaning: "This machine's name servers are slow: one that is away is waited for before the next one is asked.",
    mend: "Look at `resolvectl status` or /etc/resolv.conf: take out the name server that is away, or mend it.",
  },
  DOCTOR_UNREGISTERED: {
    failure: "environment",
    retry: "backoff",
    meaning: "This machine is to register with an operator and has not done so yet.",
    mend: "See why: `journalctl -u ros-agent-register`, and `ros-agent register --config /oem/99_custom.yaml --check`.",
  },
  DOCTOR_OPERATOR_TROUBLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The agent that runs has trouble with its operator; it goes on trying.",
    mend: "Look at the lines above about the operator, and at `journalctl -u ros-agent`.",
  },
  DOCTOR_DISK_FULL: {
    failure: "environment",
    retry: "never",
    meaning: "A file system has hardly any room left, or no room for further files.",
    mend: "Make room: `journalctl --vacuum-size=200M`, images that nobody uses, then `du -xh PATH | sort -h | tail`.",
  },
  DOCTOR_DISK_READ_ONLY: {
    failure: "environment",
    retry: "never",
    meaning: "A file system that the agent or the node writes to is mounted read-only.",
    mend: "Look in `dmesg` for errors of the disk; after a check of the file system `mount -o remount,rw` may bring it back.",
  },
  DOCTOR_DISK_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning:
      "A file system answers with an error where it was asked for its room: a disk or a server fails, or it is damaged.",
    mend: "Look in `dmesg` for errors of the disk and in `findmnt PATH` for where it comes from; check it (`fsck`) when it is not mounted.",
  },
  DOCTOR_BOOT_TRIAL_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "A slot was tried and its boot check failed, so that the machine has gone back to the other one.",
    mend: "The message says what failed; upgrade to an image in which that is mended.",
  },
  DOCTOR_BOOT_TRIAL_PENDING: {
    failure: "environment",
    retry: "backoff",
    meaning:
      "Which slot the machine runs from is not settled: one is on trial, or the next start tries or resets something.",
    mend: "Wait for the boot check (`systemctl status ros-agent-boot-check`), or restart the machine when that suits.",
  },
  DOCTOR_NODE_NOT_READY: {
    failure: "environment",
    retry: "backoff",
    meaning: "The cluster says that the Node of this machine is not Ready.",
    mend: "Look at the kubelet: `journalctl -u kubelet -u k3s -u k3s-agent -u rke2-server -u rke2-agent`, and `kubectl describe node`.",
  },
  DOCTOR_NODE_CORDONED: {
    failure: "environment",
    retry: "never",
    meaning: "No pods may come to the Node of this machine.",
    mend: "Where no upgrade is under way: `ros-agent undrain`.",
  },
  DOCTOR_RIGHTS_MISSING: {
    failure: "refused",
    retry: "never",
    meaning: "The API server does not let this machine do something that draining its node needs.",
    mend: "Use the node's own kubelet kubeconfig or an administrator's, or give the account the rights that the message names.",
  },
  DOCTOR_WATCHDOG_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "The machine has no watchdog: an operating system that hangs in its trial waits for a person.",
    mend: "Switch it on in the firmware set-up and load its module, or the kernel's `softdog`.",
  },
  DOCTOR_WATCHDOG_UNFED: {
    failure: "environment",
    retry: "never",
    meaning: "The machine has a watchdog, and systemd does not use it.",
    mend: "Set RuntimeWatchdogSec=60s in /etc/systemd/system.conf.d, and run `systemctl daemon-reexec`.",
  },
  DOCTOR_SERVICE_FAILED: {
    failure: "environment",
    retry: "never",
    meaning: "A service that this machine needs has failed, or is started again and again.",
    mend: "The message names it: `systemctl status NAME` and `journalctl -u NAME` say why.",
  },
  DOCTOR_SERVICE_STOPPED: {
    failure: "environment",
    retry: "never",
    meaning: "The agent's service is installed and does not run.",
    mend: "Start it, and at each start of the machine: `systemctl enable --now ros-agent`.",
  },
  DOCTOR_SYSTEMD_SILENT: {
    failure: "environment",
    retry: "backoff",
    meaning: "systemd runs this machine, and does not say how its units are.",
    mend: "See what `systemctl status` says; where systemd itself has broken down (`journalctl -b _PID=1`), restart the machine.",
  },
  DOCTOR_NO_TIME_LEFT: {
    failure: "timeout",
    retry: "backoff",
    meaning:
      "What a check needs took nearly all the time that doctor has, and it came to no end in the rest. Slow is no fault.",
    mend: "See with `ros-agent register URL --check`, which waits longer; the lines above say what took so long.",
  },
  DOCTOR_TIMED_OUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "A check came to no end in its time.",
    mend: "Something that it asks hangs: run it alone with --only, and look at the kernel's messages (`dmesg`).",
  },
  DOCTOR_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The checks or the archive were broken off on request; no archive was written.",
    mend: "Run the command again.",
  },
  DOCTOR_ARCHIVE_UNSAVED: {
    failure: "environment",
    retry: "never",
    meaning: "The support archive cannot be written; what was there before is unchanged.",
    mend: "Make room or choose another place.",
  },
  DOCTOR_ARCHIVE_LEAKS: {
    failure: "internal",
    retry: "never",
    meaning: "A secret of this machine would have got into the support archive, so none was written.",
    mend: "This is a defect of this program: please report it with the name of the file in the message, and not with the file.",
  },
  DOCTOR_DEFECT: {
    failure: "internal",
    retry: "never",
    meaning: "A check failed in a way that this program does not expect.",
    mend: "This is a defect of this program: please report it with the message.",
  },
} as const satisfies ErrorTable<DoctorErrorCode>;

/** Thrown by everything in this folder; what other domains find stays in their words. */
export class DoctorError extends CodedError<DoctorErrorCode> {
  constructor(code: DoctorErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(DOCTOR_ERRORS, code, message, options);
  }
}
