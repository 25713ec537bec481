/** Everything that can go wrong between this machine and the API server of its cluster. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

import type { ApiStatus } from "./api-status.ts";

export type NodeApiErrorCode =
  | "KUBECONFIG_CERTIFICATE_EARLY"
  | "KUBECONFIG_CERTIFICATE_EXPIRED"
  | "KUBECONFIG_INVALID"
  | "KUBECONFIG_MISSING"
  | "KUBECONFIG_OTHER_NODE"
  | "KUBECONFIG_PLUGIN"
  | "KUBECONFIG_UNREADABLE"
  | "NODE_API_BUSY"
  | "NODE_API_CONFLICT"
  | "NODE_API_FAILED"
  | "NODE_API_FORBIDDEN"
  | "NODE_API_INTERRUPTED"
  | "NODE_API_NONSENSE"
  | "NODE_API_NOT_FOUND"
  | "NODE_API_REFUSED"
  | "NODE_API_TIMED_OUT"
  | "NODE_API_UNAUTHORIZED"
  | "NODE_API_UNREACHABLE"
  | "NODE_API_UNTRUSTED"
  | "NODE_NAME_UNKNOWN";

export const NODE_API_ERRORS = {
  KUBECONFIG_MISSING: {
    failure: "environment",
    retry: "never",
    meaning: "There is no kubeconfig where one was looked for.",
    mend: "Name one with --kubeconfig or KUBECONFIG; on a node of k3s, RKE2 or kubeadm it is found by itself once Kubernetes runs.",
  },
  KUBECONFIG_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning: "The kubeconfig, or a key, certificate or token that it names, is there but cannot be read.",
    mend: "Run the command as root; if it is root already, look at the named file.",
  },
  KUBECONFIG_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The kubeconfig is not one that can be used; the message names each bad field.",
    mend: "Mend the named fields, or name another kubeconfig with --kubeconfig.",
  },
  KUBECONFIG_PLUGIN: {
    failure: "usage",
    retry: "never",
    meaning: "The kubeconfig logs in by a program (exec) or an auth-provider, which this program does not start.",
    mend: "Name a kubeconfig with a client certificate or a token, such as the node's own admin or kubelet kubeconfig.",
  },
  KUBECONFIG_CERTIFICATE_EARLY: {
    failure: "environment",
    // The time service of a machine without a clock's battery sets it minutes after the start.
    retry: "backoff",
    meaning: "By this machine's clock the client certificate of the kubeconfig is not valid yet.",
    mend: "Set the clock (`date`), which is most likely in the past, or wait for the time service: an upgrade goes on by itself then. If the clock is right, renew the certificate: restart k3s or RKE2, or `kubeadm certs renew all`.",
  },
  KUBECONFIG_CERTIFICATE_EXPIRED: {
    failure: "environment",
    retry: "never",
    meaning: "The client certificate of the kubeconfig is out of date.",
    mend: "Check the clock (`date`); then renew it: restart k3s or RKE2, or `kubeadm certs renew all`.",
  },
  KUBECONFIG_OTHER_NODE: {
    failure: "environment",
    retry: "never",
    meaning: "The kubeconfig is that of another node's kubelet, which may act on its own node only.",
    mend: "Use the kubeconfig of this node, or an administrator's.",
  },
  NODE_NAME_UNKNOWN: {
    failure: "environment",
    retry: "never",
    meaning: "Nothing tells which node of the cluster this machine is.",
    mend: "Name the node, as `kubectl get nodes` lists it, or let its host name be that; a machine that is no node yet has nothing to mend.",
  },
  NODE_API_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The API server of the cluster could not be reached, or the connection broke.",
    mend: "Check that Kubernetes runs on the servers and that this machine reaches the address in its kubeconfig.",
  },
  NODE_API_UNTRUSTED: {
    failure: "refused",
    retry: "never",
    meaning:
      "Whoever answers in the API server's place has a certificate that the kubeconfig does not trust, or an https:// proxy on the way one that this machine does not trust either.",
    mend: "Check that the kubeconfig is of this cluster, and this machine's clock (`date`).",
  },
  NODE_API_TIMED_OUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The API server did not answer a request in time.",
    mend: "Look at the load of the servers and of etcd; trying again is safe.",
  },
  NODE_API_NONSENSE: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "What answered is no API server, or its answer is not what was asked for.",
    mend: "Check that the kubeconfig's server address leads to an API server and not to something in between.",
  },
  NODE_API_UNAUTHORIZED: {
    failure: "refused",
    retry: "never",
    meaning: "The API server does not know whom the kubeconfig logs in.",
    mend: "The token or certificate was revoked or is of another cluster: renew the kubeconfig, or name another with --kubeconfig.",
  },
  NODE_API_FORBIDDEN: {
    failure: "refused",
    retry: "never",
    meaning: "The API server knows who asks, and does not allow it.",
    mend: "The message names the right that is missing; a kubelet's kubeconfig may drain its own node only.",
  },
  NODE_API_NOT_FOUND: {
    failure: "refused",
    retry: "never",
    meaning: "The API server has no such object.",
    mend: "Check the name: `kubectl get nodes` lists the nodes.",
  },
  NODE_API_CONFLICT: {
    failure: "refused",
    retry: "backoff",
    meaning: "The object was changed or replaced by somebody else in the meantime.",
    mend: "Try again; it is read anew then.",
  },
  NODE_API_BUSY: {
    failure: "refused",
    retry: "backoff",
    meaning: "The API server asks for patience.",
    mend: "Look at the load of the API server; trying again is safe.",
  },
  NODE_API_FAILED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The API server failed at the request, or something behind it, such as a webhook, did.",
    mend: "Read the message; it mostly names a webhook or a policy that must be mended in the cluster.",
  },
  NODE_API_REFUSED: {
    failure: "refused",
    retry: "never",
    meaning: "The API server refuses the request as it is.",
    mend: "Read the message: it names what is wrong.",
  },
  NODE_API_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "A request to the API server was broken off on request.",
    mend: "Run the command again.",
  },
} as const satisfies ErrorTable<NodeApiErrorCode>;

export interface NodeApiErrorOptions extends CodedErrorOptions {
  /** What the API server said, where it was one that answered. */
  readonly status?: ApiStatus;
}

/** Thrown by everything in this folder. The message of a refusal is the API server's own. */
export class NodeApiError extends CodedError<NodeApiErrorCode> {
  readonly status: ApiStatus | undefined;

  constructor(code: NodeApiErrorCode, message: string, options: NodeApiErrorOptions = {}) {
    const { status, ...rest } = options;
    const told = status === undefined ? {} : { httpStatus: status.httpStatus, reason: status.reason };
    super(NODE_API_ERRORS, code, message, { ...rest, details: { ...told, ...rest.details } });
    this.status = status;
  }
}

/** Whether the same request may go well later: nobody answered, or the answer asks for another attempt. */
export function isPassing(error: NodeApiError): boolean {
  return error.retry !== "never" && error.code !== "NODE_API_FAILED";
}
