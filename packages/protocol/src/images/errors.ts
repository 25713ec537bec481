/** What can be wrong with the name of an image. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type ImageErrorCode = "IMAGE_REFERENCE_INVALID";

export const IMAGE_ERRORS = {
  IMAGE_REFERENCE_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "The text is not the name of an image; each part that is wrong is listed.",
    mend: "Write the image as container runtimes take it, such as rancher/os2:v0.1.0 or registry.example.com:5000/os@sha256:....",
  },
} as const satisfies ErrorTable<ImageErrorCode>;

/** Names the bad parts with what stands there: a reference is no secret. */
export class ImageReferenceError extends CodedError<ImageErrorCode> {
  /** One `part: problem` for each bad part; parts are reference, host, repository, tag and digest. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options: CodedErrorOptions = {}) {
    super(IMAGE_ERRORS, "IMAGE_REFERENCE_INVALID", problems.join("; "), options);
    this.problems = problems;
  }
}
