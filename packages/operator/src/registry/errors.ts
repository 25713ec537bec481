/** What can go wrong on the way from a tag to its digest. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type RegistryErrorCode =
  | "REGISTRY_BUSY"
  | "REGISTRY_CA_INVALID"
  | "REGISTRY_INTERRUPTED"
  | "REGISTRY_NONSENSE"
  | "REGISTRY_NOT_FOUND"
  | "REGISTRY_PROXY_INVALID"
  | "REGISTRY_PULL_SECRET_INVALID"
  | "REGISTRY_REFUSED"
  | "REGISTRY_TIMEOUT"
  | "REGISTRY_UNREACHABLE"
  | "REGISTRY_UNTRUSTED";

export const REGISTRY_ERRORS: ErrorTable<RegistryErrorCode> = {
  REGISTRY_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "Nothing answers at the registry's address, or the connection broke.",
    mend: "Check the image's host, that the registry runs, and that the operator's network and proxy lead to it; nodes keep what they have meanwhile.",
  },
  REGISTRY_TIMEOUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The registry did not answer in time.",
    mend: "Look at the load of the registry and at the network between; the operator goes on by itself.",
  },
  REGISTRY_UNTRUSTED: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "The registry's certificate proves nothing to the operator; the message says why. No credentials were sent.",
    mend: "Give the registry's CA with --registry-ca, or renew the registry's certificate.",
  },
  REGISTRY_REFUSED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The registry does not let the operator read the image (401, 403), or hides that there is none.",
    mend: "Check the image's name, and that spec.imagePullSecrets names a Secret whose account may pull it.",
  },
  REGISTRY_NOT_FOUND: {
    failure: "refused",
    retry: "backoff",
    meaning: "The registry has no image of that name and tag.",
    mend: "Check the name for a typing mistake (osImage, or options.repository of a channel), or push the image; some registries also say so to an account that may not read it. The operator looks again by itself.",
  },
  REGISTRY_BUSY: {
    failure: "refused",
    retry: "backoff",
    meaning: "The registry asks for patience or is in trouble itself (429, 5xx).",
    mend: "Look at the registry's own log and limits; a pull secret often raises the limit. The operator goes on by itself.",
  },
  REGISTRY_NONSENSE: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "What answered does not speak the registry's protocol, or its answer contradicts itself.",
    mend: "Check with `skopeo inspect docker://IMAGE` what answers there: a proxy's page, another service, or a registry that is broken.",
  },
  REGISTRY_INTERRUPTED: {
    failure: "interrupted",
    retry: "backoff",
    meaning: "The operator was told to stop while it asked a registry.",
    mend: "Nothing to do: it is asked again by the operator that comes next.",
  },
  REGISTRY_PULL_SECRET_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "A pull secret has not the form that Kubernetes wants; each bad field is named, never what it holds.",
    mend: "Make it anew: kubectl create secret docker-registry NAME --docker-server=HOST --docker-username=... --docker-password=...",
  },
  REGISTRY_PROXY_INVALID: {
    failure: "environment",
    retry: "never",
    meaning: "HTTPS_PROXY or HTTP_PROXY of the operator is not the address of an HTTP proxy.",
    mend: "Correct the variable in the operator's Deployment: http://HOST:PORT, with %25 for a % in a password; other kinds of proxies are not supported.",
  },
  REGISTRY_CA_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The file that --registry-ca names holds something else than certificates as PEM.",
    mend: "Look at it with `openssl storeutl -certs FILE`; each certificate stands between BEGIN CERTIFICATE and END CERTIFICATE.",
  },
};

export interface RegistryErrorOptions extends CodedErrorOptions {
  readonly problems?: readonly string[];
}

/** Never holds a password or a token. */
export class RegistryError extends CodedError<RegistryErrorCode> {
  /** With REGISTRY_PULL_SECRET_INVALID: one `path: problem` for each bad field. */
  readonly problems: readonly string[];

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(REGISTRY_ERRORS, code, message, options);
    this.problems = options.problems ?? [];
  }
}
