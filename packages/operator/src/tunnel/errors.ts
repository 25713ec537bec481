/** What can go wrong with the tunnel to Rancher. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type TunnelErrorCode =
  | "TUNNEL_SECRET_INVALID"
  | "TUNNEL_UNREACHABLE"
  | "TUNNEL_UNTRUSTED"
  | "TUNNEL_REFUSED"
  | "TUNNEL_TIMEOUT"
  | "TUNNEL_FRAME_INVALID"
  | "TUNNEL_OVERRUN"
  | "TUNNEL_ENDED";

export const TUNNEL_ERRORS: ErrorTable<TunnelErrorCode> = {
  TUNNEL_SECRET_INVALID: {
    failure: "nonsense",
    retry: "never",
    meaning: "The Secret from which the tunnel to Rancher is made has an address, a token or a CA that is of no use.",
    mend: "Delete the Secret: Rancher makes it anew from the APIService; with an empty ca.crt, give Rancher a CA or take the key away.",
  },
  TUNNEL_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "Rancher's end of the tunnel could not be reached.",
    mend: "Nothing to do while Rancher restarts; else look at the address in the Secret, and at DNS and network policies.",
  },
  TUNNEL_UNTRUSTED: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "Rancher's certificate is signed neither by the CA in the Secret nor by one that the operator's image trusts, or is for another name.",
    mend: "Compare ca.crt of the Secret with Rancher's certificate, and its names with the address in the Secret.",
  },
  TUNNEL_REFUSED: {
    failure: "refused",
    retry: "backoff",
    meaning: "Rancher answered the tunnel's request with an HTTP status.",
    mend: "With 401 or 403 delete the Secret, so that Rancher makes a token anew; with 404 or 5xx look at Rancher.",
  },
  TUNNEL_TIMEOUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "Rancher's end of the tunnel did not answer in time, or nothing was heard of it for a minute.",
    mend: "Nothing to do where it passes; else look at Rancher and at what closes idle connections between.",
  },
  TUNNEL_FRAME_INVALID: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "Something came through the tunnel that is no message of Rancher's remotedialer.",
    mend: "Check that the address in the Secret leads to Rancher; the operator dials again by itself.",
  },
  TUNNEL_OVERRUN: {
    failure: "refused",
    retry: "backoff",
    meaning: "Rancher's end of the tunnel takes nothing, while more and more is to be sent to it.",
    mend: "Look at Rancher's load and at the network between; the operator dials again by itself.",
  },
  TUNNEL_ENDED: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The tunnel was closed from Rancher's side, or by the network.",
    mend: "Nothing to do: the operator dials again by itself. Rancher restarts, and what stands between ends long connections.",
  },
};

/** Never holds the tunnel's token. */
export class TunnelError extends CodedError<TunnelErrorCode> {
  constructor(code: TunnelErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(TUNNEL_ERRORS, code, message, options);
  }
}
