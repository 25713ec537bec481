/** The flags by which commands name the server and know that it is the right one, and those for what is told to it. */
import { string as textArgument } from "@oclif/core/args";
import { boolean, string } from "@oclif/core/flags";

export const SERVER_ARGS = {
  url: textArgument({
    description: "The registration URL, from `kubectl get machineregistrations -A -o wide`.",
    required: false,
  }),
} as const;

export const SERVER_FLAGS = {
  config: string({
    description:
      "Take the URL, and the CA if there is one, from this cloud-config (rancheros.install.registrationURL).",
    helpValue: "FILE",
  }),
  "ca-cert": string({
    description: "Trust this CA (PEM) and no other.",
    helpValue: "FILE",
    exclusive: ["ca-sha256"],
  }),
  "ca-sha256": string({
    description: "Trust the CA that the server hands out, if it has this fingerprint (hex, colons allowed).",
    helpValue: "FINGERPRINT",
  }),
  "allow-http": boolean({ description: "Take a URL without TLS: whoever is on the way can change everything." }),
} as const;

/** For commands that have no folder of the agent's state. */
export const LEARNED_CA_FLAG = {
  "learned-ca": string({
    description:
      "What the agent has learned from this operator of its CA, which counts beside what is given, and for no other operator.",
    helpValue: "FILE",
    default: "/var/lib/rancheros/operator-ca.json",
  }),
} as const;

/** What the machine says of itself. */
export const REPORT_FLAGS = {
  "smbios-dump": string({
    description: "Take the SMBIOS from this folder of captured tables.",
    helpValue: "FOLDER",
    exclusive: ["no-smbios"],
  }),
  "no-smbios": boolean({ description: "Tell the operator nothing about the hardware." }),
  label: string({
    description: "A label for the MachineInventory, where its registration accepts the key. May be given again.",
    helpValue: "KEY=VALUE",
    multiple: true,
    multipleNonGreedy: true,
  }),
  annotation: string({
    description: "An annotation for the MachineInventory, where its registration accepts the key. May be given again.",
    helpValue: "KEY=VALUE",
    multiple: true,
    multipleNonGreedy: true,
  }),
} as const;
