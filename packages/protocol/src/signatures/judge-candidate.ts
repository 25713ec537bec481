/** Whether a candidate is a signature of the image by one of those who may sign. */
import { isOfKey, readBundleContent, type BundleContent } from "./bundle-content.ts";
import { bundleOfAnnotations } from "./bundle-of-annotations.ts";
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

async function judgeSimple(candidate: SimpleCandidate, by: JudgedBy): Promise<Judgement> {
  const { payload, signature } = candidate;
  const signer = by.signers.find((one) => one.kind === "key" && isSignedBy(one.key, payload, signature));
  if (signer !== undefined) return judged(signer.name, simpleClaimProblem(payload, by.image));
  const bundle = bundleOfAnnotations(candidate);
  if (bundle !== undefined) return judgeKeyless(bundle, payload, () => simpleClaimProblem(payload, by.image), by);
  return { kind: "untrusted", problem: `a signature is of no key that the policy names${ofEd25519(by.signers)}` };
}

async function judgeBundle({ document }: BundleCandidate, by: JudgedBy): Promise<Judgement> {
  const content = readBundleContent(document);
  if ("problem" in content) return { kind: "broken", problem: content.problem };
  const claim = (): string | undefined => claimProblem(content, by);
  if (!isOfKey(document)) return judgeKeyless(document, by.manifest, claim, by);
  const signed = content.kind === "statement" ? content.signed : by.manifest;
  const signer = by.signers.find((one) => one.kind === "key" && isSignedBy(one.key, signed, content.signature));
  if (signer === undefined) {
    return { kind: "untrusted", problem: `a bundle is of no key that the policy names${ofEd25519(by.signers)}` };
  }
  return judged(signer.name, claim());
}

/** OpenSSL proves no Ed25519ph by Node, and cosign signs images with nothing else of such keys. */
function ofEd25519(signers: readonly Signer[]): string {
  const isThere = signers.some((one) => one.kind === "key" && one.key.asymmetricKeyType === "ed25519");
  return isThere ? "; of Ed25519 keys only pure signatures can be proved, and cosign makes Ed25519ph: take ECDSA" : "";
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

/** @param artifact  what is signed where the bundle has no envelope */
async function judgeKeyless(
  bundle: Fields,
  artifact: Buffer,
  claim: () => string | undefined,
  by: JudgedBy,
): Promise<Judgement> {
  let problem = "a signature is of an identity, and the policy names none";
  for (const signer of by.signers) {
    if (signer.kind !== "keyless") continue;
    const identity = await by.verifyKeyless(bundle, artifact, signer.trustedRoot);
    if ("problem" in identity) problem = `a signature is of an identity, and not proved: ${identity.problem}`;
    else if (isIdentity(signer, identity)) return judged(signer.name, claim());
    else problem = `a signature is of ${describe(identity)}, whom the policy does not name`;
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
