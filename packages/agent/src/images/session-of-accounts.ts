/** One endpoint, asked by several accounts: the next one where one may not, and from then on the one that may. */
import { ImagePullError, type ImagePullErrorCode } from "./errors.ts";
import { failureOfAll, type EndpointFailure } from "./failure-of-all.ts";
import type { RegistrySession } from "./registry-session.ts";

/** What another account may change; some registries say of what an account may not see that it is not there. */
const OF_THE_ACCOUNT: ReadonlySet<ImagePullErrorCode> = new Set([
  "IMAGE_CREDENTIALS_WRONG",
  "IMAGE_NO_RIGHTS",
  "IMAGE_NOT_FOUND",
]);

/** What an account is told of itself, and of nothing that it asked for. */
const REFUSALS: ReadonlySet<ImagePullErrorCode> = new Set(["IMAGE_CREDENTIALS_WRONG", "IMAGE_NO_RIGHTS"]);

/**
 * @param sessions  with the same endpoint, each with an account of its own, in the order in which they are tried
 * @throws what `failureOfAll` makes of all failures, for `answeredStatus` with what those were told that were not refused
 */
export function sessionOfAccounts(sessions: readonly [RegistrySession, ...RegistrySession[]]): RegistrySession {
  const [{ endpoint }] = sessions;
  const isMirror = endpoint.mirrorOf !== undefined;
  let proven: RegistrySession | undefined;

  /** What is not there for one that reads the repository is not there. */
  function endsThere(one: RegistrySession, error: unknown): boolean {
    if (!(error instanceof ImagePullError) || !OF_THE_ACCOUNT.has(error.code)) return true;
    return one === proven && error.code === "IMAGE_NOT_FOUND";
  }

  return {
    endpoint,
    async get(url, headers, signal) {
      const first = proven ?? sessions[0];
      const failures: EndpointFailure[] = [];
      for (const one of [first, ...sessions.filter((other) => other !== first)]) {
        try {
          const answer = await one.get(url, headers, signal);
          proven = one;
          return answer;
        } catch (error) {
          if (signal.aborted) throw error;
          failures.push({ host: endpoint.host, isMirror, error });
          if (endsThere(one, error)) break;
        }
      }
      const [failure, ...others] = failures;
      if (failure === undefined) throw new Error("an endpoint has at least one session");
      throw failureOfAll([failure, ...others], notRefused(failures));
    },
  };
}

/** Of the last one that was not refused: only who is told that nothing is there is followed by another. */
function notRefused(failures: readonly EndpointFailure[]): { readonly notRefused?: string | number } {
  for (const { error } of failures.toReversed()) {
    if (!(error instanceof ImagePullError) || REFUSALS.has(error.code)) continue;
    const { status } = error.details;
    return { notRefused: typeof status === "number" ? status : error.code };
  }
  return {};
}

/**
 * The HTTP status with which a registry has spoken of what was asked for: a stale account beside one that may read says
 * nothing of it.
 * @param error  thrown by a session
 * @returns something else where there is no such status
 */
export function answeredStatus(error: unknown): unknown {
  if (!(error instanceof ImagePullError)) return undefined;
  return error.details["notRefused"] ?? error.details["status"];
}
