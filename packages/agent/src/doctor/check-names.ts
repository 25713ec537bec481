/** Everything that `doctor` looks at, in the order in which it is told. docs/doctor.md has the same table. */

export interface CheckAbout {
  /** For people: a few words. */
  readonly title: string;
  /** What is looked at, for the documentation. */
  readonly about: string;
  /** The check gives up after so long. */
  readonly limitMs: number;
}

/** A slow TPM needs 20 s for a key: that it takes longer than this is a warning only. */
const KEY_LIMIT_MS = 12_000;
/** A TPM does one thing after the other: it may be making a key for another program. */
const BUSY_TPM_LIMIT_MS = 12_000;
/** Programs of the machine take seconds to start where it is slow or busy; what hangs is told in the end as well. */
const PROGRAM_LIMIT_MS = 12_000;
/** A name server that is away is given 5 s by whoever looks up a name, before the next one is asked. */
const SERVER_LIMIT_MS = 8_000;
/** The API server is asked for the node's name, and for the node; each answer may take 4.5 s. */
const TWO_ANSWERS_LIMIT_MS = 10_000;
const QUICK_LIMIT_MS = 5_000;

export const CHECKS = {
  tpm: {
    title: "TPM",
    about: "There is a TPM, this user may open it, tpm2-tools are there, and it answers.",
    limitMs: BUSY_TPM_LIMIT_MS,
  },
  "tpm-lockout": {
    title: "TPM lockout",
    about: "The TPM is not in dictionary attack lockout, its endorsement hierarchy is on and has no password.",
    limitMs: QUICK_LIMIT_MS,
  },
  "endorsement-key": {
    title: "endorsement key",
    about: "The key by which the machine is known can be read or made.",
    limitMs: KEY_LIMIT_MS,
  },
  "ek-certificate": {
    title: "EK certificate",
    about:
      "The TPM holds a certificate for that key, in date; with --ek-ca its chain, with what the TPM holds of it, leads to one of those CAs.",
    limitMs: QUICK_LIMIT_MS,
  },
  "attestation-key": {
    title: "attestation key",
    about: "The TPM makes an attestation key, and has the endorsement key that its certificate is for.",
    limitMs: KEY_LIMIT_MS,
  },
  smbios: {
    title: "SMBIOS",
    about: "The firmware's tables can be read and name this machine; labels and names are made of them.",
    limitMs: QUICK_LIMIT_MS,
  },
  clock: {
    title: "clock",
    about: "The clock agrees with the operator's, and something keeps it right.",
    limitMs: QUICK_LIMIT_MS,
  },
  "operator-url": {
    title: "operator's address",
    about: "A URL of an operator is known: from the command line, or from the cloud-config of the machine.",
    limitMs: QUICK_LIMIT_MS,
  },
  dns: {
    title: "DNS",
    about: "The name in that URL, or the proxy's, is known to the name servers.",
    limitMs: 3_000,
  },
  proxy: {
    title: "proxy",
    about: "Where HTTPS_PROXY or HTTP_PROXY leads to the operator, the proxy takes connections.",
    limitMs: 3_000,
  },
  ca: {
    title: "operator's CA",
    about: "What the operator is recognised by can be used: the CA file, or the CA with the pinned fingerprint.",
    limitMs: SERVER_LIMIT_MS,
  },
  operator: {
    title: "operator",
    about: "The operator is reached, its TLS certificate is believed, and it speaks the attestation protocol.",
    limitMs: SERVER_LIMIT_MS,
  },
  attestation: {
    title: "attestation",
    about:
      "The operator takes this machine's keys and certificate, and the TPM opens its challenge; nothing is registered.",
    limitMs: KEY_LIMIT_MS,
  },
  registration: {
    title: "registration",
    about: "The machine has registered, and the agent that runs hears from its operator.",
    limitMs: 8_000,
  },
  disks: {
    title: "disks",
    about: "State, logs and containers have room on disks that can be written, and the state lies on one that lasts.",
    limitMs: QUICK_LIMIT_MS,
  },
  slots: {
    title: "slots",
    about: "What the two slots hold, and whether the running one was written to its end.",
    limitMs: PROGRAM_LIMIT_MS,
  },
  "boot-entry": {
    title: "boot entry",
    about: "GRUB's environment block can be read; which slot starts next; whether the last trial failed.",
    limitMs: QUICK_LIMIT_MS,
  },
  "container-runtime": {
    title: "container runtime",
    about: "On a node: a container runtime is there and answers.",
    limitMs: PROGRAM_LIMIT_MS,
  },
  "api-server": {
    title: "API server",
    about: "On a node: the kubeconfig can be used, and the API server answers.",
    limitMs: QUICK_LIMIT_MS,
  },
  "own-node": {
    title: "own node",
    about: "On a node: the cluster has a Node of this machine, it is Ready, and pods may come to it.",
    limitMs: TWO_ANSWERS_LIMIT_MS,
  },
  rights: {
    title: "rights",
    about: "On a node: the API server lets this machine cordon its node, list its pods and evict them.",
    limitMs: QUICK_LIMIT_MS,
  },
  watchdog: {
    title: "watchdog",
    about: "On a machine with slots: a watchdog restarts it when it hangs, and systemd feeds it.",
    limitMs: PROGRAM_LIMIT_MS,
  },
  "image-policy": {
    title: "image policy",
    about: "What this machine asks of signed images can be read: otherwise it lets in no image at all.",
    limitMs: QUICK_LIMIT_MS,
  },
  services: {
    title: "services",
    about: "No unit of the agent, of rancherd or of Kubernetes has failed or is started again and again.",
    limitMs: PROGRAM_LIMIT_MS,
  },
  agent: {
    title: "agent",
    about: "The agent that runs answers, its journal can be read, and neither it nor an upgrade is in trouble.",
    limitMs: 8_000,
  },
} as const satisfies Readonly<Record<string, CheckAbout>>;

export type CheckName = keyof typeof CHECKS;

export function isCheckName(text: string): text is CheckName {
  return Object.hasOwn(CHECKS, text);
}

export const CHECK_NAMES: readonly CheckName[] = Object.keys(CHECKS).filter(isCheckName);
