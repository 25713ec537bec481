/** What can go wrong with the API server. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type KubernetesErrorCode =
  | "KUBERNETES_UNREACHABLE"
  | "KUBERNETES_NO_FILE_LEFT"
  | "KUBERNETES_TIMEOUT"
  | "KUBERNETES_NONSENSE"
  | "KUBERNETES_NOT_FOUND"
  | "KUBERNETES_ALREADY_EXISTS"
  | "KUBERNETES_CONFLICT"
  | "KUBERNETES_BUSY"
  | "KUBERNETES_REFUSED"
  | "KUBERNETES_WENT_BACK"
  | "KUBERNETES_OBJECT"
  | "KUBERNETES_PATH"
  | "KUBERNETES_KUBECONFIG";

export const KUBERNETES_ERRORS: ErrorTable<KubernetesErrorCode> = {
  KUBERNETES_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The API server could not be reached.",
    mend: "Check that the API server runs and that the network lets the operator reach it; the operator goes on by itself.",
  },
  KUBERNETES_NO_FILE_LEFT: {
    failure: "unreachable",
    retry: "backoff",
    meaning:
      "The operator could not open a connection to the API server: its process, or its machine, has as many files open as it may.",
    mend: "Raise the limit of open files: of the process at the container runtime (LimitNOFILE), or of the machine where the sentence says ENFILE (fs.file-max); how many are open tells process_open_fds, and the operator goes on by itself.",
  },
  KUBERNETES_TIMEOUT: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The API server did not answer in time.",
    mend: "Look at the load of the API server and of etcd; the operator goes on by itself.",
  },
  KUBERNETES_NONSENSE: {
    failure: "nonsense",
    retry: "backoff",
    meaning:
      "What answered is no API server, its answer was cut short, or it failed itself (500): with an `rpc error` or `etcdserver` in the sentence its etcd is away.",
    mend: "Look at the API server and its etcd, where the sentence is theirs. Otherwise check that the server address of the kubeconfig names an API server and no proxy's error page.",
  },
  KUBERNETES_NOT_FOUND: {
    failure: "refused",
    retry: "never",
    meaning: "The object, its namespace or its kind does not exist.",
    mend: "Check the name and the namespace, and that the CRDs are installed: rancheros-operator crds | kubectl apply -f -",
  },
  KUBERNETES_ALREADY_EXISTS: {
    failure: "refused",
    retry: "never",
    meaning: "An object of this name exists.",
    mend: "Nothing to do: the operator uses the one that is there.",
  },
  KUBERNETES_CONFLICT: {
    failure: "refused",
    retry: "backoff",
    meaning: "The object was changed by somebody else in the meantime.",
    mend: "Nothing to do: the operator reads it again and decides anew.",
  },
  KUBERNETES_BUSY: {
    failure: "refused",
    retry: "backoff",
    meaning: "The API server asks for patience (429, 503, 504).",
    mend: "Look at the load of the API server; the operator goes on by itself.",
  },
  KUBERNETES_REFUSED: {
    failure: "refused",
    retry: "never",
    meaning: "The API server refused the request.",
    mend: "Read the message: it names the right that is missing or the field that is bad.",
  },
  KUBERNETES_WENT_BACK: {
    failure: "refused",
    retry: "backoff",
    meaning:
      "The API server has an earlier state than the operator has seen, as after etcd was restored from a snapshot.",
    mend: "Nothing to do: the operator reads everything anew. Other controllers may have to be restarted after such a restore.",
  },
  KUBERNETES_OBJECT: {
    failure: "nonsense",
    retry: "never",
    meaning: "One object could not be taken in. What was known of it before counts on, and all others are followed.",
    mend: "Change or delete the object that the message names. Please report it: the operator should have said what is wrong with it.",
  },
  KUBERNETES_PATH: {
    failure: "refused",
    retry: "never",
    meaning: "An object refers to another one by what is no name of an object, and nothing was asked for.",
    mend: "Correct the name that the message shows: lower-case letters, digits, - and . only, and no path.",
  },
  KUBERNETES_KUBECONFIG: {
    failure: "environment",
    retry: "never",
    meaning: "There is no usable kubeconfig.",
    mend: "Give --kubeconfig, set KUBECONFIG, or run inside the cluster with a ServiceAccount.",
  },
};

export class KubernetesError extends CodedError<KubernetesErrorCode> {
  constructor(code: KubernetesErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(KUBERNETES_ERRORS, code, message, options);
  }
}
