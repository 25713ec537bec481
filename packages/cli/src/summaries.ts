/** One sentence for each command: for the list of commands, which loads none of them. */
export const SUMMARIES = {
  drain: "Cordon a node of the cluster and evict its pods, as `kubectl drain` does.",
  "get-tpm-hash": "Print the hash of this machine's TPM endorsement key, by which an operator knows it.",
  hardware: "Print what this machine is made of: processors, memory, disks, network interfaces.",
  labels: "Print the name and labels that templates of a MachineRegistration would give this machine.",
  register: "Register this machine with an operator and print or save the configuration that it gets.",
  report: "Tell the operator what this machine is: once, or again and again at its pace.",
  smbios: "Print what the firmware says about this machine.",
  undrain: "Let pods come to a node again, as `kubectl uncordon` does.",
  version: "Print the version of this program.",
} as const;

export type CommandName = keyof typeof SUMMARIES;
