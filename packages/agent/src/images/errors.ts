/** Everything that can go wrong between this program and an image registry, with what to do about it. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type ImagePullErrorCode =
  | "IMAGE_BROKEN"
  | "IMAGE_CREDENTIALS_WRONG"
  | "IMAGE_DIGEST_WRONG"
  | "IMAGE_GAVE_UP"
  | "IMAGE_INTERRUPTED"
  | "IMAGE_NOT_FOUND"
  | "IMAGE_NO_RIGHTS"
  | "IMAGE_REGISTRIES_INVALID"
  | "IMAGE_REGISTRY_BUSY"
  | "IMAGE_REGISTRY_FAILED"
  | "IMAGE_REGISTRY_NONSENSE"
  | "IMAGE_REGISTRY_UNREACHABLE"
  | "IMAGE_REGISTRY_UNTRUSTED"
  | "IMAGE_UNPINNED"
  | "IMAGE_WRONG_PLATFORM";

export const IMAGE_PULL_ERRORS = {
  IMAGE_UNPINNED: {
    failure: "usage",
    retry: "never",
    meaning: "The image is named by a tag only, and a node takes images by digest only.",
    mend: "Append @sha256:DIGEST; the operator does that by itself for a ManagedOSImage.",
  },
  IMAGE_REGISTRIES_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The file with mirrors and CAs of registries (registries.yaml) cannot be read or understood.",
    mend: "Correct the file that the message names: the one of --registries, else /etc/rancher/rke2/registries.yaml or /etc/rancher/k3s/registries.yaml. The k3s documentation describes its fields.",
  },
  IMAGE_NOT_FOUND: {
    failure: "refused",
    retry: "never",
    meaning: "The registry has no image with this name and digest.",
    mend: "Check name and digest, and whether the image was deleted or never pushed; some registries also say so where the credentials are missing.",
  },
  IMAGE_NO_RIGHTS: {
    failure: "refused",
    retry: "never",
    meaning: "The registry does not let this node pull the image.",
    mend: "Give a pull secret that may read this repository, or set credentials in the node's registries.yaml.",
  },
  IMAGE_CREDENTIALS_WRONG: {
    failure: "refused",
    retry: "never",
    meaning: "The registry refuses the user name and password (or token) that it was given.",
    mend: "Renew the pull secret, or the credentials in the node's registries.yaml.",
  },
  IMAGE_WRONG_PLATFORM: {
    failure: "refused",
    retry: "never",
    meaning: "The image is not made for this node's processor.",
    mend: "Push an image for this platform, or one index for all platforms; or leave these nodes out with a nodeSelector.",
  },
  IMAGE_DIGEST_WRONG: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "The registry (or a mirror or proxy before it) sent something else than the digest names.",
    mend: "Something changes data on the way or the registry's storage is damaged: push the image again, check mirrors and proxies.",
  },
  IMAGE_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "What is stored under the digest is not an image manifest that this program understands.",
    mend: "Check the image with `skopeo inspect --raw`; OCI and Docker v2 images are understood, Docker v1 is not.",
  },
  IMAGE_REGISTRY_UNREACHABLE: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The registry cannot be reached from this node.",
    mend: "Check its address, DNS, firewall and proxy (HTTPS_PROXY, NO_PROXY) on this node; mirrors are set in registries.yaml.",
  },
  IMAGE_REGISTRY_UNTRUSTED: {
    failure: "unreachable",
    retry: "backoff",
    meaning: "The registry's certificate is not signed by a CA that this node trusts, or is for another name.",
    mend: "Set configs.HOST.tls.ca_file in the node's registries.yaml, or add the CA to the node's own; check the node's clock.",
  },
  IMAGE_REGISTRY_BUSY: {
    failure: "refused",
    retry: "backoff",
    meaning: "The registry is overloaded, or limits how much this node may pull (HTTP 429).",
    mend: "It is tried again; with Docker Hub use credentials or a mirror.",
  },
  IMAGE_REGISTRY_FAILED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The registry answered with an error of its own (HTTP 5xx or another unexpected status).",
    mend: "It is tried again; look at the registry's log if it stays so.",
  },
  IMAGE_REGISTRY_NONSENSE: {
    failure: "nonsense",
    retry: "backoff",
    meaning: "What answers at the registry's address does not speak the registry protocol.",
    mend: "Check the address; a proxy or a login page may be answering in the registry's place.",
  },
  IMAGE_GAVE_UP: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The image did not come within the time that there was, in spite of several attempts.",
    mend: "Read the last attempt's error; what has come already is not loaded again.",
  },
  IMAGE_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The pull was broken off on request; what has come already is kept where the runtime can.",
    mend: "Start it again.",
  },
} as const satisfies ErrorTable<ImagePullErrorCode>;

/** Thrown by everything in this folder. */
export class ImagePullError extends CodedError<ImagePullErrorCode> {
  constructor(code: ImagePullErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(IMAGE_PULL_ERRORS, code, message, options);
  }
}
