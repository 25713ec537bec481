/** Whose signature a bundle has, proved by a trusted root alone. */
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier, type SignedEntity } from "@sigstore/verify";
import type { Fields, KeylessIdentity } from "@rancheros/protocol/signatures";
import { StampedTime } from "./stamped-time.ts";

const ENTRIES_MAX = 4;
const PROBLEM_LIMIT = 300;

/**
 * The certificate leads to one of the root's authorities at the time that a log or a time stamp authority of the root vouches
 * for; it was logged (SCT) and the signature was (inclusion promise or proof), where the root has logs for that; the signature is
 * the certificate's key's. At least one time is vouched for in any case: a certificate is good for minutes only.
 * @param bundle    as JSON, not to be trusted
 * @param artifact  what a message's signature is of; of no meaning for an envelope
 * @returns the identity in the certificate, or in one sentence what is not proved; never throws for what a bundle is
 * Source: sigstore.dev "Sigstore Client Specification", section 4
 */
export async function verifyKeyless(
  bundle: Fields,
  artifact: Buffer,
  trustedRoot: Fields,
): Promise<KeylessIdentity | { readonly problem: string }> {
  try {
    return await Promise.resolve(prove(bundle, artifact, trustedRoot));
  } catch (error) {
    // The library's errors have a cause that says more than they do.
    return { problem: sentenceOf(error).slice(0, PROBLEM_LIMIT) };
  }
}

function prove(
  document: Fields,
  artifact: Buffer,
  trustedRoot: Fields,
): KeylessIdentity | { readonly problem: string } {
  const root = TrustedRoot.fromJSON(trustedRoot);
  const bundle = bundleFromJSON(document);
  const { tlogEntries, timestampVerificationData, content } = bundle.verificationMaterial;
  const stamps = timestampVerificationData?.rfc3161Timestamps ?? [];
  if (content.$case === "publicKey") return { problem: "it has no certificate" };
  // Two of a kind are common; each of them costs several verifications.
  if (tlogEntries.length > ENTRIES_MAX || stamps.length > ENTRIES_MAX) return { problem: "it has too many entries" };
  const verifier = new Verifier(toTrustMaterial(root), {
    timestampThreshold: 1,
    tlogThreshold: root.tlogs.length === 0 ? 0 : 1,
    ctlogThreshold: root.ctlogs.length === 0 ? 0 : 1,
  });
  const { identity } = verifier.verify(withStampedTimes(toSignedEntity(bundle, artifact)));
  return { issuer: identity?.extensions?.issuer, subject: identity?.subjectAlternativeName };
}

function withStampedTimes(entity: SignedEntity): SignedEntity {
  const timestamps = entity.timestamps.map((one) =>
    one.$case === "timestamp-authority" ? { ...one, timestamp: new StampedTime(one.timestamp.root) } : one,
  );
  return { ...entity, timestamps };
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return "it cannot be read";
  const { message, cause } = error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
