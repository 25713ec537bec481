/** One sentence for each command: for the list of commands, which loads none of them. */
export const SUMMARIES = {
  abort: "Break off an upgrade of this machine before its operating system is switched.",
  "boot-check": "Mark the slot that was started good when the machine is well, or go back: what systemd runs.",
  "config apply": "Make this machine what a cloud-config says, with the system's own tool where it has one.",
  "config runcmd": "Run the commands of the applied cloud-config that have not run yet, each once.",
  "config show": "Print rancherd's configuration as rancherd merges it, and where each value comes from.",
  "config validate": "Check a cloud-config, with line and column for everything that is wrong or unknown.",
  completion: "Print the script by which bash or zsh completes command lines of this program.",
  doctor: "Say what is wrong with this machine and how to mend it, and make an archive for support.",
  drain: "Cordon a node of the cluster and evict its pods, as `kubectl drain` does.",
  "get-tpm-hash": "Print the hash of this machine's TPM endorsement key, by which an operator knows it.",
  hardware: "Print what this machine is made of: processors, memory, disks, network interfaces.",
  install: "Install an operating system with two slots onto a disk of this machine, from its live system.",
  labels: "Print the name and labels that templates of a MachineRegistration would give this machine.",
  man: "Print the manual page of this program, made for troff.",
  register: "Register this machine with an operator and print or save the configuration that it gets.",
  report: "Tell the operator what this machine is: once, or again and again at its pace.",
  reset: "Wipe this machine's state at its next start: back to what was installed.",
  rollback: "Start the operating system from before the last upgrade at the next restart.",
  run: "Carry out the operator's plans for this machine, and tell it how far they are: what systemd runs.",
  smbios: "Print what the firmware says about this machine.",
  status: "Show how far the upgrade of this machine is, what it waits for, and how the last ones ended.",
  undrain: "Let pods come to a node again, as `kubectl uncordon` does.",
  upgrade: "Upgrade this machine's operating system to an image, without an operator.",
  version: "Print the version of this program.",
} as const;

export type CommandName = keyof typeof SUMMARIES;
