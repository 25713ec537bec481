/** From a certificate up to a root that an administrator trusts. No address that stands in a certificate is ever asked. */
import { isAcceptedAlgorithm, validityOf } from "@rancheros/protocol/tpm";
import { hasSignedBytes, namesAnotherKey, namesAsIssuer, type Authority } from "./authority.ts";
import type { Certificate } from "./certificate.ts";
import { isRevoked } from "./revocations.ts";
import { isRefusedAuthority, type TrustAnchors, type TrustRoot } from "./trust-anchors.ts";
import { isTakenBack, type EkProblemCode } from "./trust-class.ts";

/** Authorities in one chain, the root among them: two or three with most makers, six above a key of Intel's PTT. */
export const MAX_AUTHORITIES = 8;
/** Signatures that are looked at for one certificate, whatever the anchors look like: about 50 us each. */
const MAX_SIGNATURES = 32;
/** Those of keys that came with the machine, which chose them: up to 1.5 ms each. The longest chain has one less. */
const MAX_SENT_SIGNATURES = 8;
/** Clocks of hypervisors and operators differ a little. */
export const CLOCK_SKEW_MS = 5 * 60_000;

export interface ChainOptions {
  readonly nowMs: number;
  /** accept: an authority must have been valid when what it signed began to be. refuse: it must be valid now. */
  readonly expired: "accept" | "refuse";
}

export type Chain =
  | { readonly root: TrustRoot; readonly problem: undefined }
  | { readonly root: undefined; readonly problem: EkProblemCode };

/** Finds a root that vouches for the certificate; hardware before virtual where both do. */
export function findRoot(certificate: Certificate, anchors: TrustAnchors, options: ChainOptions): Chain {
  return new Search(anchors, options).run(certificate);
}

/** The administrator's, or the machine's. */
type Whose = "given" | "sent";

class Search {
  readonly #anchors: TrustAnchors;
  readonly #options: ChainOptions;
  readonly #looks = { given: MAX_SIGNATURES, sent: MAX_SENT_SIGNATURES };
  /** The nearest that anything came to a root. */
  #problem: EkProblemCode = "EK_CHAIN_UNKNOWN_ROOT";
  #virtual: TrustRoot | undefined;

  constructor(anchors: TrustAnchors, options: ChainOptions) {
    this.#anchors = anchors;
    this.#options = options;
  }

  run(certificate: Certificate): Chain {
    const root = this.#climb(certificate, 0) ?? this.#virtual;
    return root === undefined ? { root, problem: this.#problem } : { root, problem: undefined };
  }

  /** @param below  authorities between the endorsement key's certificate and the one that is looked for */
  #climb(certificate: Certificate, below: number): TrustRoot | undefined {
    if (!isAcceptedAlgorithm(certificate.signatureAlgorithm)) return this.#fail("EK_CERTIFICATE_ALGORITHM");
    for (const root of this.#anchors.roots) {
      if (!this.#vouches(root, "given", certificate, below)) continue;
      if (root.class === "hardware") return root;
      this.#virtual ??= root;
    }
    return this.#climbBy("given", certificate, below) ?? this.#climbBy("sent", certificate, below);
  }

  #climbBy(whose: Whose, certificate: Certificate, below: number): TrustRoot | undefined {
    for (const authority of whose === "given" ? this.#anchors.intermediates : this.#anchors.sent) {
      if (!this.#vouches(authority, whose, certificate, below)) continue;
      const root =
        below + 2 > MAX_AUTHORITIES ? this.#fail("EK_CHAIN_TOO_LONG") : this.#climb(authority.certificate, below + 1);
      if (root !== undefined) return root;
    }
    return undefined;
  }

  #vouches(authority: Authority, whose: Whose, certificate: Certificate, below: number): boolean {
    // One that is above itself leads nowhere.
    if (authority.certificate.tbsDer.equals(certificate.tbsDer) || !namesAsIssuer(certificate, authority)) return false;
    if (namesAnotherKey(certificate, authority)) return false;
    if (this.#looks[whose] === 0) return this.#refuse("EK_CHAIN_AMBIGUOUS");
    this.#looks[whose] -= 1;
    if (!hasSignedBytes(authority, certificate)) return this.#refuse("EK_CERTIFICATE_SIGNATURE");
    if (isRefusedAuthority(this.#anchors, authority)) return this.#refuse("EK_CERTIFICATE_REFUSED");
    if (isRevoked(this.#anchors.revocations, certificate, authority)) return this.#refuse("EK_CERTIFICATE_REVOKED");
    if (authority.pathLength < below) return this.#refuse("EK_CHAIN_TOO_LONG");
    const { notBefore, notAfter } = validityOf(authority.certificate.x509);
    const { nowMs, expired } = this.#options;
    if (notBefore.getTime() > nowMs + CLOCK_SKEW_MS) return this.#refuse("EK_CERTIFICATE_NOT_YET_VALID");
    const usedMs = expired === "accept" ? validityOf(certificate.x509).notBefore.getTime() : nowMs;
    return notAfter.getTime() >= usedMs || this.#refuse("EK_CHAIN_EXPIRED");
  }

  #refuse(problem: EkProblemCode): false {
    this.#fail(problem);
    return false;
  }

  #fail(problem: EkProblemCode): undefined {
    if (urgencyOf(problem) > urgencyOf(this.#problem)) this.#problem = problem;
    return undefined;
  }
}

/**
 * What somebody has taken back is said before anything else that is wrong on another way up. That not all ways were looked at
 * comes next: what was wrong on those that were is only what is wrong with somebody else of the same name.
 */
function urgencyOf(problem: EkProblemCode): number {
  if (isTakenBack(problem)) return 3;
  if (problem === "EK_CHAIN_AMBIGUOUS") return 2;
  return problem === "EK_CHAIN_UNKNOWN_ROOT" ? 0 : 1;
}
