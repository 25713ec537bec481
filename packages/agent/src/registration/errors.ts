/** How a registration can go wrong, and what to do about it. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type RegistrationErrorCode =
  | "REGISTRATION_URL_INVALID"
  | "REGISTRATION_PLAIN_HTTP"
  | "REGISTRATION_TRUST_INVALID"
  | "REGISTRATION_CA_UNREADABLE"
  | "REGISTRATION_CLOUD_CONFIG_INVALID"
  | "REGISTRATION_PROXY_INVALID"
  | "REGISTRATION_PROXY"
  | "REGISTRATION_UNREACHABLE"
  | "REGISTRATION_TLS_UNTRUSTED"
  | "REGISTRATION_PIN_MISMATCH"
  | "REGISTRATION_TLS_FAILED"
  | "REGISTRATION_REDIRECTED"
  | "REGISTRATION_REFUSED"
  | "REGISTRATION_TRY_LATER"
  | "REGISTRATION_NONSENSE"
  | "REGISTRATION_CLOSED_EARLY"
  | "REGISTRATION_TIMED_OUT"
  | "REGISTRATION_CHALLENGE_NOT_OURS"
  | "REGISTRATION_PROTOCOL_UNKNOWN"
  | "REGISTRATION_SERVER_KEY_CHANGED"
  | "REGISTRATION_PENDING"
  | "REGISTRATION_DENIED"
  | "REGISTRATION_INTERRUPTED"
  | "REGISTRATION_CA_UNSAVED"
  | "REGISTRATION_UNSAVED";

const TAKE_THE_URL =
  "Take the URL from `kubectl get machineregistrations -A -o wide`; it has the form https://HOST/v1-rancheros/registration/TOKEN.";

export const REGISTRATION_ERRORS = {
  REGISTRATION_URL_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The registration URL is not one.",
    mend: TAKE_THE_URL,
  },
  REGISTRATION_PLAIN_HTTP: {
    failure: "usage",
    retry: "never",
    meaning: "The registration URL begins with http://, so anybody on the way could hand out another configuration.",
    mend: "Use the https:// address; where there is none, as in a laboratory, allow this one with --allow-http.",
  },
  REGISTRATION_TRUST_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "What was given to recognise the server by cannot be used: no CA certificate, or no SHA-256 fingerprint.",
    mend: "Give the CA as PEM with --ca-cert FILE, or 64 hexadecimal digits with --ca-sha256, and one of them only.",
  },
  REGISTRATION_CA_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning: "The file with the CA certificate cannot be read.",
    mend: "Check that the file exists and that this user may read it.",
  },
  REGISTRATION_CLOUD_CONFIG_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The given cloud-config names no registration URL at rancheros.install.registrationURL.",
    mend: "Fetch it with `curl` from the registration URL itself, or give the URL as an argument.",
  },
  REGISTRATION_PROXY_INVALID: {
    failure: "environment",
    retry: "never",
    meaning: "The environment names a proxy that is no http:// or https:// address.",
    mend: "Correct HTTPS_PROXY (HTTP_PROXY for http:// URLs), with %25 for a % in its password, or name the server in NO_PROXY.",
  },
  REGISTRATION_PROXY: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The proxy cannot be reached, or does not let this machine through to the server.",
    mend: "Check HTTPS_PROXY and what the proxy allows, or name the server in NO_PROXY.",
  },
  REGISTRATION_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "No connection to the server came about, or it broke; details.reason says how.",
    mend: "Check the network of this machine, its name servers, and that the server runs at this address.",
  },
  REGISTRATION_TLS_UNTRUSTED: {
    failure: "refused",
    retry: "never",
    meaning:
      "The certificate of the server, or of an https:// proxy on the way, proves nothing to this machine; details.reason says why. Nothing was sent.",
    mend: "Give the server's CA with --ca-cert, or its fingerprint with --ca-sha256.",
  },
  REGISTRATION_PIN_MISMATCH: {
    failure: "refused",
    retry: "never",
    meaning: "The CA that the server hands out does not have the given SHA-256 fingerprint. Nothing was sent.",
    mend: "Compare the fingerprint with the one on the server side; if it is right, somebody else answers in the server's place.",
  },
  REGISTRATION_TLS_FAILED: {
    failure: "nonsense",
    retry: "never",
    meaning: "What answers at the server's address does not speak TLS with this machine.",
    mend: "Check the port of the URL: it must be the one for https, with TLS 1.2 or later.",
  },
  REGISTRATION_REDIRECTED: {
    failure: "refused",
    retry: "never",
    meaning:
      "The server sends to another address, which a registration does not follow: it must know whom it talks to.",
    mend: "Register with the address that it names, if that is the right one.",
  },
  REGISTRATION_REFUSED: {
    failure: "refused",
    retry: "never",
    meaning: "The server refuses this machine; its own sentence follows.",
    mend: "Read the server's sentence; the operator's log has a line about this attempt. " + TAKE_THE_URL,
  },
  REGISTRATION_TRY_LATER: {
    failure: "refused",
    retry: "backoff",
    meaning: "The server cannot register machines at the moment.",
    mend: "Try again; `ros-agent register` does so by itself with --wait 10m.",
  },
  REGISTRATION_NONSENSE: {
    failure: "nonsense",
    retry: "never",
    meaning: "The server's answer is not one of the registration protocol.",
    mend: "Check that the URL leads to a RancherOS operator, and that no proxy on the way stops websockets.",
  },
  REGISTRATION_CLOSED_EARLY: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The connection ended before the configuration was there, without a reason; details.step says where.",
    mend: "Look at the operator's log: the original operator refuses in this way. A proxy that cuts connections does so too.",
  },
  REGISTRATION_TIMED_OUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The server did not answer in time; details.step says to what.",
    mend: "Try again, with --timeout for more time; look whether a firewall drops packets on the way.",
  },
  REGISTRATION_CHALLENGE_NOT_OURS: {
    failure: "nonsense",
    retry: "never",
    meaning:
      "The server's challenge was made for another TPM or for another attestation key: this TPM does not open it.",
    mend: "Register again; if it stays so, look for a proxy that mixes up answers, or somebody in the server's place.",
  },
  REGISTRATION_PROTOCOL_UNKNOWN: {
    failure: "nonsense",
    retry: "never",
    meaning: "The server does not speak the attestation protocol. Nothing of this machine was sent.",
    mend: "Check the URL. Where it leads to the original operator, `--protocol legacy` speaks rancherd's protocol, which hides nothing from whoever ends TLS on the way.",
  },
  REGISTRATION_SERVER_KEY_CHANGED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The server showed another TLS key in the midst of one conversation, so this machine stopped.",
    mend: "It is tried again by itself: the server may have got a new certificate, which its replicas show within two minutes. If it stays so, let all servers behind this address show one key.",
  },
  REGISTRATION_PENDING: {
    failure: "refused",
    retry: "backoff",
    meaning: "The machine is known now, and waits until somebody approves it; details.approve is the command for that.",
    mend: "Approve the MachineInventory and register again, or let the command wait with --wait 1h.",
  },
  REGISTRATION_DENIED: {
    failure: "refused",
    retry: "never",
    meaning: "Somebody has denied this machine: spec.approval of its MachineInventory is Denied.",
    mend: "If that was a mistake, set spec.approval of the MachineInventory to Approved and register again.",
  },
  REGISTRATION_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The registration was broken off on request.",
    mend: "Run the command again: registering twice gives the same machine.",
  },
  REGISTRATION_CA_UNSAVED: {
    failure: "unreachable",
    retry: "backoff",
    meaning:
      "The operator told of its CA, and it could not be written to the state folder. Nothing changes until the operator's certificate is of another CA than those that this machine was set up with.",
    mend: "Make the folder a place on a disk with some room; it is tried again in a quarter of an hour by itself.",
  },
  REGISTRATION_UNSAVED: {
    failure: "environment",
    retry: "never",
    meaning: "The file for the configuration cannot be written; what was there before is unchanged.",
    mend: "Make room or choose another place, and register again: it gives the same configuration.",
  },
} as const satisfies ErrorTable<RegistrationErrorCode>;

/** Thrown by this folder; failures of the TPM stay TpmErrors. Never holds the token, a key or the configuration. */
export class RegistrationError extends CodedError<RegistrationErrorCode> {
  constructor(code: RegistrationErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(REGISTRATION_ERRORS, code, message, options);
  }
}
