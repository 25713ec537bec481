/** Whether a candidate is a signature of the image by one of those who may sign. */
import { isOfKey, readBundleContent, type BundleContent } from "./bundle-content.ts";
import type { BundleCandidate, Candidate, SimpleCandidate } from "./candidate.ts";
import { messageClaimProblem, simpleClaimProblem, statementClaimProblem, type ClaimedImage } from "./claim.ts";
import type { Fields } from "./fields.ts";
import type { Signer } from "./image-policy.ts";
import type { KeylessSigner } from "./keyless-signer.ts";
import { isSignedBy } from "./public-key.ts";

/** Whose signature a bundle has, as its certificate and a trusted root prove it. */
export interface KeylessIdentity {
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
}

/**
 * Proves a bundle without asking anybody: the certificate at the time of its log entry or time stamp, that it was logged,
 * that the signature was, and the signature.
 * @param artifact  what a message's signature is of
 * @returns the identity, or why it is not proved
 */
export type VerifyKeyless = (
  bundle: Fields,
  artifact: Buffer,
  trustedRoot: Fields,
) => Promise<KeylessIdentity | { readonly problem: string }>;

export type Judgement =
  | { readonly kind: "signed"; readonly by: string }
  | { readonly kind: "untrusted" | "other-image" | "broken"; readonly problem: string };

export interface JudgedBy {
  readonly signers: readonly Signer[];
  readonly image: ClaimedImage;
  /** Bytes that the image's digest names. */
  readonly manifest: Buffer;
  readonly verifyKeyless: VerifyKeyless;
}

export async function judgeCandidate(candidate: Candidate, by: JudgedBy): Promise<Judgement> {
  if (candidate.kind === "broken") return candidate;
  return candidate.kind === "simple" ? judgeSimple(candidate, by) : judgeBundle(candidate, by);
}

async function judgeSimple({ payload, signature }: SimpleCandidate, by: JudgedBy): Promise<Judgement> {
  const signer = by.signers.find((one) => one.kind === "key" && isSignedBy(one.key, payload, signature));
  if (signer === undefined) return { kind: "untrusted", problem: "a signature is of no key that the policy names" };
  const problem = simpleClaimProblem(payload, by.image);
  return judged(signer.name, problem);
}

async function judgeBundle({ document }: BundleCandidate, by: JudgedBy): Promise<Judgement> {
  const content = readBundleContent(document);
  if ("problem" in content) return { kind: "broken", problem: content.problem };
  if (!isOfKey(document)) return judgeKeyless(document, content, by);
  const signed = content.kind === "statement" ? content.signed : by.manifest;
  const signer = by.signers.find((one) => one.kind === "key" && isSignedBy(one.key, signed, content.signature));
  if (signer === undefined) return { kind: "untrusted", problem: "a bundle is of no key that the policy names" };
  return judged(signer.name, claimProblem(content, by));
}

function judged(signer: string, problem: string | undefined): Judgement {
  if (problem === undefined) return { kind: "signed", by: signer };
  return { kind: "other-image", problem: `of ${signer}: ${problem}` };
}

function claimProblem(content: BundleContent, { image, manifest }: JudgedBy): string | undefined {
  return content.kind === "statement"
    ? statementClaimProblem(content.payload, image)
    : messageClaimProblem(content.message, manifest, image);
}

async function judgeKeyless(document: Fields, content: BundleContent, by: JudgedBy): Promise<Judgement> {
  let problem = "a bundle is of an identity, and the policy names none";
  for (const signer of by.signers) {
    if (signer.kind !== "keyless") continue;
    const identity = await by.verifyKeyless(document, by.manifest, signer.trustedRoot);
    if ("problem" in identity) problem = `a bundle is not proved: ${identity.problem}`;
    else if (isIdentity(signer, identity)) return judged(signer.name, claimProblem(content, by));
    else problem = `a bundle is of ${describe(identity)}, whom the policy does not name`;
  }
  return { kind: "untrusted", problem };
}

function isIdentity({ issuer, isSubject }: KeylessSigner, identity: KeylessIdentity): boolean {
  return identity.issuer === issuer && identity.subject !== undefined && isSubject(identity.subject);
}

const TOLD_LIMIT = 200;

function describe({ issuer = "nobody", subject = "nobody" }: KeylessIdentity): string {
  return `${JSON.stringify(subject.slice(0, TOLD_LIMIT))} as ${JSON.stringify(issuer.slice(0, TOLD_LIMIT))} knows it`;
}
