/** What can go wrong on the way from a channel to its versions. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type ChannelErrorCode =
  | "CHANNEL_UNREACHABLE"
  | "CHANNEL_TIMEOUT"
  | "CHANNEL_UNTRUSTED"
  | "CHANNEL_REFUSED"
  | "CHANNEL_BUSY"
  | "CHANNEL_REDIRECTS"
  | "CHANNEL_NONSENSE"
  | "CHANNEL_EMPTY"
  | "CHANNEL_INTERRUPTED"
  | "CHANNEL_INVALID"
  | "CHANNEL_SECRET"
  | "CHANNEL_POD_NOT_MADE"
  | "CHANNEL_POD_FAILED"
  | "CHANNEL_POD_TIMEOUT"
  | "CHANNEL_VERSIONS_NOT_WRITTEN";

export const CHANNEL_ERRORS = {
  CHANNEL_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "Nothing answers at the address of a ManagedOSVersionChannel, or the connection broke.",
    mend: "Check options.uri, that the server runs, and that the operator's network and proxy lead there; versions stay as they are meanwhile.",
  },
  CHANNEL_TIMEOUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The server of a channel did not answer, or not to the end, in time.",
    mend: "Look at the server and the network between, or raise options.timeout; versions stay as they are meanwhile.",
  },
  CHANNEL_UNTRUSTED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The certificate of a channel's server proves nothing to the operator; no password was sent.",
    mend: "Put the server's CA into options.caBundle, or renew its certificate.",
  },
  CHANNEL_REFUSED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The server of a channel refuses to give the list (HTTP 4xx).",
    mend: "Check options.uri for a typing mistake, and that options.secretName names an account that may read it.",
  },
  CHANNEL_BUSY: {
    failure: "refused",
    retry: "backoff",
    meaning: "The server of a channel asks for patience or is in trouble itself (429, 5xx).",
    mend: "Look at the server's own log; the operator goes on by itself.",
  },
  CHANNEL_REDIRECTS: {
    failure: "nonsense",
    retry: "backoff",
    meaning:
      "The server of a channel redirects in a circle, away from TLS, to another scheme, or to an address with a password in it.",
    mend: "Put the address where the list really is into options.uri.",
  },
  CHANNEL_NONSENSE: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "What a channel gives is no JSON list of ManagedOSVersions, or is larger than 4 MiB.",
    mend: "Look at it with `curl URI | head`: it must be a list as docs/versions.md shows it; versions stay as they are meanwhile.",
  },
  CHANNEL_EMPTY: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "A channel has no version that can be taken; nothing is deleted or marked for that.",
    mend: "Read the message: it says what is wrong with the first entries. To take all versions away, delete the channel.",
  },
  CHANNEL_INTERRUPTED: {
    failure: "interrupted",
    retry: "backoff",
    meaning: "The operator stopped, lost its lead, or the channel was changed while it was read.",
    mend: "Nothing to do: it is read again.",
  },
  CHANNEL_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "A field of a ManagedOSVersionChannel is not of the form that is needed.",
    mend: "Correct the field that the message names.",
  },
  CHANNEL_SECRET: {
    failure: "environment",
    retry: "backoff",
    meaning: "The Secret that a channel logs in with does not exist, or has neither username and password nor token.",
    mend: "Create it in the channel's namespace; the operator goes on by itself.",
  },
  CHANNEL_POD_NOT_MADE: {
    failure: "refused",
    retry: "backoff",
    meaning: "The API server does not take the pod of a channel of type custom.",
    mend: "Read the message: often a quota, a Pod Security label of the namespace, or a pod of the same name.",
  },
  CHANNEL_POD_FAILED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The container of a channel of type custom failed, could not be started, or wrote no /data/output.",
    mend:
      "Read the message, and run the image by hand; it must write the list to /data/output and exit with 0. What it prints is " +
      "not told, as Secrets may be in it: `kubectl logs -f POD -c list` shows it while it runs. What it writes to " +
      "/dev/termination-log is.",
  },
  CHANNEL_POD_TIMEOUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The pod of a channel of type custom did not end in time, and was deleted.",
    mend: "Look at whether it can be scheduled and its image pulled, or raise options.timeout.",
  },
  CHANNEL_VERSIONS_NOT_WRITTEN: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "Some ManagedOSVersions of a channel could not be written, because somebody else writes them at the same time.",
    mend: "Nothing to do: the channel is read again. Where it stays so, look for who else writes them.",
  },
} as const satisfies ErrorTable<ChannelErrorCode>;

/** Never holds a password. */
export class ChannelError extends CodedError<ChannelErrorCode> {
  constructor(code: ChannelErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(CHANNEL_ERRORS, code, message, options);
  }
}
