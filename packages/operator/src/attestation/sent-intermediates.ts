/** Certificates between an endorsement key's and a root that came with the machine: nobody believes them. */
import { authorityProblem, readAuthority, type Authority } from "./authority.ts";
import type { TrustAnchors } from "./trust-anchors.ts";

/**
 * The anchors for the verdict about one machine. What it sent can lead up to a root of the anchors and is never one; it is
 * held against the same demands as an administrator's intermediates, and looked at after them, out of a number of looks of
 * its own. What cannot be used is passed over: it may be of no concern to the chain.
 * @param chain  DER of each, in any order
 */
export function withSentIntermediates(anchors: TrustAnchors, chain: readonly Uint8Array[]): TrustAnchors {
  if (chain.length === 0) return anchors;
  const sent: Authority[] = [];
  for (const der of chain) {
    const authority = readAuthority(der);
    if (authority === undefined || authorityProblem(authority) !== undefined) continue;
    // One that is there already would only take looks away from others.
    const isSame = ({ certificate }: Authority): boolean => certificate.der.equals(authority.certificate.der);
    if (!anchors.intermediates.some(isSame) && !sent.some(isSame)) sent.push(authority);
  }
  return { ...anchors, sent };
}
