/** Whether this node's policies let an image in: asked before a layer of it is. */
import type { CodedError } from "@rancheros/protocol/errors";
import {
  checkImage,
  SignatureError,
  type ImagePolicy,
  type ImageVerdict,
  type VerifyKeyless,
} from "@rancheros/protocol/signatures";

import { askInTurn } from "./ask-in-turn.ts";
import type { ImageDescription } from "./describe-image.ts";
import { ImagePullError } from "./errors.ts";
import type { RegistrySession } from "./registry-session.ts";
import { signatureSource } from "./signature-source.ts";

export interface AdmitOptions {
  readonly description: ImageDescription;
  /** Each of them has to let it in. */
  readonly policies: readonly ImagePolicy[];
  /** In the order in which they are asked: a mirror may have other signatures than the registry. */
  readonly sessions: readonly RegistrySession[];
  readonly verifyKeyless: VerifyKeyless;
  readonly signal: AbortSignal;
}

export type AdmitEvent =
  | { readonly kind: "signed"; readonly by: string }
  /** It is let in, and would not be if the policy did more than warn. */
  | { readonly kind: "unsigned"; readonly error: CodedError };

/** For all requests of one policy together. */
const DEADLINE_MS = 120_000;

/**
 * @returns what is worth telling
 * @throws SignatureError  where a policy does not let it in; ImagePullError where nobody can know
 */
export async function admitImage(options: AdmitOptions): Promise<readonly AdmitEvent[]> {
  const events: AdmitEvent[] = [];
  for (const policy of options.policies) {
    const verdict = await verdictOf(policy, options);
    if (verdict.kind === "signed") events.push({ kind: "signed", by: verdict.by });
    if (verdict.kind === "warned") events.push({ kind: "unsigned", error: verdict.error });
  }
  return events;
}

async function verdictOf(policy: ImagePolicy, options: AdmitOptions): Promise<ImageVerdict> {
  const late = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await firstThatSatisfies(policy, options, AbortSignal.any([options.signal, late]));
  } catch (error) {
    if (!late.aborted || options.signal.aborted || error instanceof SignatureError) throw error;
    const message = `the signatures of ${options.description.image.name} did not come within ${DEADLINE_MS / 1000} s`;
    throw new ImagePullError("IMAGE_GAVE_UP", message, { cause: error });
  }
}

async function firstThatSatisfies(
  policy: ImagePolicy,
  { description, sessions, verifyKeyless }: AdmitOptions,
  signal: AbortSignal,
): Promise<ImageVerdict> {
  const { image, manifestDigest, manifests } = description;
  const { host, repository, digest } = image;
  const inner = manifestDigest === digest ? [] : [manifestDigest];
  const checked = { name: `${host}/${repository}`, digests: [digest, ...inner] as const };
  const warnings: Extract<ImageVerdict, { readonly kind: "warned" }>[] = [];
  try {
    return await askInTurn(sessions, signal, async (session) => {
      const source = signatureSource(session, manifests, signal);
      const verdict = await checkImage(checked, { policy, source, verifyKeyless });
      if (verdict.kind !== "warned") return verdict;
      // The next one may have a signature.
      warnings.push(verdict);
      throw verdict.error;
    });
  } catch (error) {
    const last = warnings.at(-1);
    if (last === undefined || (signal.aborted && error !== last.error)) throw error;
    return last;
  }
}
