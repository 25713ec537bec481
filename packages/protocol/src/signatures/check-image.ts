/** Whether a policy lets an image in. */
import { isCodedError, type CodedError } from "../errors/index.ts";
import { SignatureError, type SignatureErrorCode } from "./errors.ts";
import { findCandidates } from "./find-candidates.ts";
import { ruleFor, type ImagePolicy, type PolicyRule } from "./image-policy.ts";
import { judgeCandidate, type Judgement, type VerifyKeyless } from "./judge-candidate.ts";
import type { SignatureSource } from "./signature-source.ts";

export interface CheckedImage {
  /** HOST/REPOSITORY, in full. */
  readonly name: string;
  /** What is to be used, and what leads there: an index, and the image in it for a platform. One that is signed is enough. */
  readonly digests: readonly [string, ...string[]];
}

export interface CheckOptions {
  readonly policy: ImagePolicy;
  readonly source: SignatureSource;
  readonly verifyKeyless: VerifyKeyless;
}

export type ImageVerdict =
  /** No rule is about it, or one that says that nobody is to look. */
  | { readonly kind: "unchecked" }
  | { readonly kind: "signed"; readonly by: string; readonly digest: string }
  /** It would be refused if its rule did more than warn. */
  | { readonly kind: "warned"; readonly error: CodedError };

/** Of all digests of an image together: who may write beside it could keep everybody busy otherwise. */
export const CANDIDATES_MAX = 64;
const PROBLEMS_TOLD = 5;

/**
 * Looks for a signature of the image by one of those whom the first rule about it names.
 * @throws SignatureError  where there is none; what the source throws, where nobody can know
 */
export async function checkImage(image: CheckedImage, options: CheckOptions): Promise<ImageVerdict> {
  const rule = ruleFor(options.policy, image.name);
  if (rule === undefined || rule.mode === "ignore") return { kind: "unchecked" };
  try {
    return await findSignature(image, rule, options);
  } catch (error) {
    if (rule.mode !== "warn" || !isCodedError(error)) throw error;
    return { kind: "warned", error };
  }
}

async function findSignature(image: CheckedImage, rule: PolicyRule, options: CheckOptions): Promise<ImageVerdict> {
  const { source, verifyKeyless } = options;
  const judgements: Exclude<Judgement, { readonly kind: "signed" }>[] = [];
  for (const digest of image.digests) {
    const manifest = await source.image(digest);
    const claimed = { name: image.name, digest, sameRepository: rule.sameRepository };
    for await (const candidate of findCandidates(source, digest)) {
      if (candidate.kind === "endless" || judgements.length >= CANDIDATES_MAX)
        throw refusal("SIGNATURE_TOO_MANY", image, rule, judgements);
      const judgement = await judgeCandidate(candidate, {
        signers: rule.require,
        image: claimed,
        manifest,
        verifyKeyless,
      });
      if (judgement.kind === "signed") return { kind: "signed", by: judgement.by, digest };
      judgements.push(judgement);
    }
  }
  throw refusal(codeOf(judgements), image, rule, judgements);
}

/** The gravest: a trusted signer's word about something else shows that somebody has put it there. */
function codeOf(judgements: readonly Judgement[]): SignatureErrorCode {
  const has = (kind: Judgement["kind"]): boolean => judgements.some((one) => one.kind === kind);
  if (has("other-image")) return "SIGNATURE_OTHER_IMAGE";
  if (has("untrusted")) return "SIGNATURE_UNTRUSTED";
  return has("broken") ? "SIGNATURE_BROKEN" : "SIGNATURE_MISSING";
}

function refusal(
  code: SignatureErrorCode,
  { name, digests: [digest] }: CheckedImage,
  rule: PolicyRule,
  judgements: readonly { readonly problem: string }[],
): SignatureError {
  const problems = [...new Set(judgements.map(({ problem }) => problem))];
  const told = problems.slice(0, PROBLEMS_TOLD).join("; ");
  const more = problems.length > PROBLEMS_TOLD ? `; and ${problems.length - PROBLEMS_TOLD} more` : "";
  const found = judgements.length === 0 ? "there is no signature of it" : `${told}${more}`;
  const message = `${name}@${digest} is not signed as the policy wants it: ${found} (${rule.name})`;
  return new SignatureError(code, message, { details: { image: `${name}@${digest}`, rule: rule.name } });
}
