/** Why an image is not let in for want of a signature. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "../errors/index.ts";

export type SignatureErrorCode =
  | "SIGNATURE_BROKEN"
  | "SIGNATURE_MISSING"
  | "SIGNATURE_OTHER_IMAGE"
  | "SIGNATURE_POLICY_INVALID"
  | "SIGNATURE_TOO_MANY"
  | "SIGNATURE_UNTRUSTED";

export const SIGNATURE_ERRORS: ErrorTable<SignatureErrorCode> = {
  SIGNATURE_POLICY_INVALID: {
    failure: "usage",
    retry: "never",
    meaning:
      "The policy that says which images have to be signed cannot be read or understood; no image is let in meanwhile.",
    mend: "Correct the fields that the message names; docs/signed-images.md describes the file.",
  },
  SIGNATURE_MISSING: {
    failure: "refused",
    retry: "never",
    meaning: "The policy wants the image signed, and its registry has no signature of it.",
    mend: "Sign it by its digest: cosign sign --key KEY IMAGE@DIGEST. Signatures lie beside the image: whoever copies it copies them too (cosign copy).",
  },
  SIGNATURE_UNTRUSTED: {
    failure: "refused",
    retry: "never",
    meaning: "The image is signed, but by nobody whom the policy names.",
    mend: "Look with cosign verify who has signed it; sign it with a key or an identity of the policy, or add the signer to the policy.",
  },
  SIGNATURE_OTHER_IMAGE: {
    failure: "refused",
    retry: "never",
    meaning:
      "A signature of a trusted signer lies beside the image, but it is one of another image, or another kind of statement.",
    mend: "Somebody has put it there: find out who. Sign the image itself: cosign sign --key KEY IMAGE@DIGEST.",
  },
  SIGNATURE_BROKEN: {
    failure: "nonsense",
    retry: "never",
    meaning: "What lies beside the image as its signature is none.",
    mend: "Look at it with cosign tree IMAGE@DIGEST and cosign verify, and sign the image anew.",
  },
  SIGNATURE_TOO_MANY: {
    failure: "refused",
    retry: "never",
    meaning: "The image has more signatures than are looked at, and none of those that were is of a trusted signer.",
    mend: "Remove those that nobody needs (cosign clean IMAGE@DIGEST), and sign it anew.",
  },
};

export interface SignatureErrorOptions extends CodedErrorOptions {
  readonly problems?: readonly string[];
}

export class SignatureError extends CodedError<SignatureErrorCode> {
  /** With SIGNATURE_POLICY_INVALID: one `path: problem` for each bad field. */
  readonly problems: readonly string[];

  constructor(code: SignatureErrorCode, message: string, options: SignatureErrorOptions = {}) {
    super(SIGNATURE_ERRORS, code, message, options);
    this.problems = options.problems ?? [];
  }
}
