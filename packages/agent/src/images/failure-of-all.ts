/** What to throw where none of several endpoints had what was asked for. */
import type { CodedError, Retry } from "@rancheros/protocol/errors";
import { SignatureError } from "@rancheros/protocol/signatures";

import { ImagePullError, type ImagePullErrorCode } from "./errors.ts";

export interface EndpointFailure {
  readonly host: string;
  readonly isMirror: boolean;
  readonly error: unknown;
}

type Told = EndpointFailure & { readonly error: ImagePullError | SignatureError };

/** Said also by one who has nothing to do with the image: mirrors may lack what the registry has, and the other way round. */
const LACKS_IT: ReadonlySet<ImagePullErrorCode> = new Set(["IMAGE_NOT_FOUND", "IMAGE_NO_RIGHTS"]);
/** Says nothing of the image at all. */
const MOMENTARY: ReadonlySet<ImagePullErrorCode> = new Set([
  "IMAGE_REGISTRY_UNREACHABLE",
  "IMAGE_REGISTRY_BUSY",
  "IMAGE_REGISTRY_FAILED",
]);
const TOLD_MAX = 8;

/**
 * The failure that tells a person most, with everybody's words: tried again where that helps with one of them.
 * @param failures  in the order in which they were asked
 * @param details   told beside those of the failure that tells most
 * @returns the only one as it is, and what is none of this program's errors before all others
 */
export function failureOfAll(
  failures: readonly [EndpointFailure, ...EndpointFailure[]],
  details: CodedError["details"] = {},
): unknown {
  const [first, ...others] = failures;
  if (others.length === 0) return first.error;
  const defect = failures.find((one) => !isTold(one));
  if (defect !== undefined) return defect.error;
  const told = failures.filter(isTold).toSorted((one, other) => rank(one) - rank(other));
  const lead = told[0]?.error;
  const words = [...new Set(told.map(wordsOf))];
  const more = words.length > TOLD_MAX ? [`and ${words.length - TOLD_MAX} more`] : [];
  const message = [...words.slice(0, TOLD_MAX), ...more].join("; ");
  const retry = retryOf(told.map(({ error }) => error.retry));
  const options = { cause: lead, details: { ...lead?.details, ...details }, retry };
  if (lead instanceof SignatureError) return new SignatureError(lead.code, message, options);
  return lead === undefined ? first.error : new ImagePullError(lead.code, message, options);
}

function isTold(failure: EndpointFailure): failure is Told {
  return failure.error instanceof ImagePullError || failure.error instanceof SignatureError;
}

/** The lower, the sooner it is what has to be mended; of the same kind, the registry's own word counts. */
function rank({ error, isMirror }: Told): number {
  return 2 * kindOf(error) + (isMirror ? 1 : 0);
}

function kindOf(error: Told["error"]): number {
  if (error instanceof SignatureError) return 0;
  if (MOMENTARY.has(error.code)) return 3;
  return LACKS_IT.has(error.code) ? 2 : 1;
}

function wordsOf({ host, error: { message } }: Told): string {
  return message.startsWith(`${host}: `) ? message : `${host}: ${message}`;
}

function retryOf(all: readonly Retry[]): Retry {
  if (all.includes("backoff")) return "backoff";
  const afterMs = Math.min(...all.map((one) => (typeof one === "object" ? one.afterMs : Infinity)));
  return afterMs === Infinity ? "never" : { afterMs };
}
