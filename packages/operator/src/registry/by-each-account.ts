/** One endpoint, asked by one account after the other for as long as another one may get another answer. */
import { SignatureError } from "@rancheros/protocol/signatures";
import type { Endpoint } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import { matchCredentials } from "./match-credentials.ts";
import type { RegistryCredential } from "./pull-secret.ts";

type Failure = RegistryError | SignatureError;

/**
 * @param credentials  of all pull secrets; without one for the endpoint it is asked once, by nobody
 * @throws what tells most, with the words of the others
 */
export async function byEachAccount<Answer>(
  endpoint: Endpoint,
  credentials: readonly RegistryCredential[],
  ask: (credential: RegistryCredential | undefined) => Promise<Answer>,
): Promise<Answer> {
  const matching = matchCredentials(credentials, endpoint.imageName);
  const failures: Failure[] = [];
  for (const credential of matching.length === 0 ? [undefined] : matching) {
    try {
      return await ask(credential);
    } catch (error) {
      if (!(error instanceof RegistryError || error instanceof SignatureError)) throw error;
      if (error.code === "REGISTRY_INTERRUPTED") throw error;
      failures.push(error);
      if (!isOfTheAccount(error)) break;
    }
  }
  throw mostTelling(failures);
}

/** Artifactory and Nexus say of what an account may not see that it is not there; signatures as well. */
function isOfTheAccount(error: Failure): boolean {
  return error instanceof SignatureError || error.code === "REGISTRY_REFUSED" || error.code === "REGISTRY_NOT_FOUND";
}

/** @param failures  at least one; what is not the account's is the last of them */
function mostTelling(failures: readonly Failure[]): Error {
  const unsigned = failures.find((error) => error instanceof SignatureError);
  // Who says that has seen the image.
  if (unsigned !== undefined) return unsigned;
  const lead =
    failures.find((error) => !isOfTheAccount(error)) ??
    failures.find(({ code }) => code === "REGISTRY_REFUSED") ??
    failures[0];
  if (!(lead instanceof RegistryError)) throw new TypeError("an endpoint is asked at least once");
  const words = new Set([lead.message, ...failures.map(({ message }) => message)]);
  if (words.size === 1) return lead;
  const { details, mend, retry } = lead;
  return new RegistryError(lead.code, [...words].join("; "), { cause: lead, details, mend, retry });
}
