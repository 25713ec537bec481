/** Decides what the operator's own TLS identity becomes: when a CA gets a successor, when that signs, when the old one goes. */
import { X509Certificate } from "node:crypto";
import {
  CA_DAYS,
  certificateEndMs,
  crossSign,
  DAY_MS,
  EARLY_DAYS,
  hasNotBegun,
  isAsGoodAsNew,
  isStillGood,
  isUsableCa,
  makeCa,
  makeServingCertificate,
  type CertificateAndKey,
} from "./certificates.ts";
import { hasPathLength } from "./read-extensions.ts";

/** A CA gets its successor two years before its end; one that lasts no longer than that gets it at once. */
const SUCCESSOR_LEFT_MS = (CA_DAYS / 5) * DAY_MS;
/** So long machines are told of a CA before the first certificate is signed with it. */
const PUBLISHED_MS = 30 * DAY_MS;
/**
 * So long before its end a CA is left to which its successor cannot be tied: late, since whoever was not told is cut off then,
 * and before anybody is warned of a certificate that ends within two weeks.
 */
const LAST_LEFT_MS = 15 * DAY_MS;
/** Of the CAs that were made without path length. */
const SUBJECT_BEFORE_1_0 = "CN=rancheros-operator-ca";
/** Of CAs before the present one; there are more only where somebody asked for them again and again. */
const OLD_KEPT = 4;

export interface Successor extends CertificateAndKey {
  /** Signed by the CA before it. PEM. */
  readonly crossPem: string;
}

export interface TlsIdentity {
  /** Signs serving certificates. */
  readonly ca: CertificateAndKey;
  /** Is published, and signs nothing yet. */
  readonly next: Successor | undefined;
  /** From the present CA back to the oldest that has not ended, each signed by the one before it. PEM, newest first. */
  readonly crosses: readonly string[];
  /** CAs before the present one that have not ended. PEM, newest first. */
  readonly old: readonly string[];
  /** With the cross certificates behind it. */
  readonly serving: CertificateAndKey;
}

/** How the CAs stand, whatever they have signed. */
type Authorities = Omit<TlsIdentity, "serving">;

/** What was done: nothing; the CA's certificate put right in the Secret; what this replica holds written into the emptied Secret; the first CA, or a new one in place of one that is of no use; only the serving certificate; a successor, that signs nothing yet; the successor signs. */
export type IdentityStep = "kept" | "mended" | "restored" | "made" | "renewed" | "announced" | "rotated";

export interface IdentityNeeds {
  /** Host names and addresses that a new serving certificate gets. */
  readonly names: readonly string[];
  /** Those without which a certificate is made anew. */
  readonly requiredNames: readonly string[];
  /** Somebody wants the next step of a rotation now. */
  readonly isRotationAsked: boolean;
  readonly nowMs: number;
  readonly random: (bytes: number) => Uint8Array;
}

/** @returns PEM, one after the other */
export function joinPem(certificates: readonly string[]): string {
  return certificates.map((pem) => `${pem.trim()}\n`).join("");
}

/** What machines are to trust: the CA that signs first, then the next one, then those before. */
export function trustBundle({ ca, next, old }: Authorities): string {
  return joinPem([ca.certificatePem, ...(next === undefined ? [] : [next.certificatePem]), ...old]);
}

function notEnded(certificates: readonly string[], nowMs: number): readonly string[] {
  return certificates.filter((pem) => certificateEndMs(pem) > nowMs).slice(0, OLD_KEPT);
}

function makeSuccessor(ca: CertificateAndKey, { nowMs, random }: IdentityNeeds): Successor {
  const successor = makeCa(nowMs, random);
  return { ...successor, crossPem: crossSign(successor, ca, nowMs, random) };
}

/** The successor signs; who trusts an earlier CA is shown the way to it. */
function succeed({ ca, crosses, old }: Authorities, { crossPem, ...successor }: Successor, nowMs: number): Authorities {
  return {
    ca: successor,
    next: undefined,
    crosses: notEnded([crossPem, ...crosses], nowMs),
    old: notEnded([ca.certificatePem, ...old], nowMs),
  };
}

/** The CAs of before 1.0, and some that people make, allow no CA below them (path length 0): nothing leads from them to a successor. */
function letsNoneBelow({ certificatePem }: CertificateAndKey): boolean {
  return new X509Certificate(certificatePem).subject === SUBJECT_BEFORE_1_0 || hasPathLength(certificatePem);
}

/** Whether machines had their time to be told; of a CA that ends before that, half of what there was. */
function wasTold({ certificatePem }: Successor, leftMs: number, nowMs: number): boolean {
  const publishedMs = nowMs - new X509Certificate(certificatePem).validFromDate.getTime() - EARLY_DAYS * DAY_MS;
  return publishedMs >= Math.min(PUBLISHED_MS, leftMs);
}

/**
 * The successor that is to follow the CA: where somebody has put another one into the place of its own, nothing leads from
 * that to what was published, and it gets its own in its time.
 */
function successorOf({ ca, next }: TlsIdentity, isUsable: boolean, nowMs: number): Successor | undefined {
  if (next === undefined || !isUsableCa(next, nowMs)) return undefined;
  // In place of a CA that can sign nothing, one that was published is better than one that was not, whosever it is.
  if (!isUsable) return next;
  const [cross, signer] = [new X509Certificate(next.crossPem), new X509Certificate(ca.certificatePem)];
  return cross.checkIssued(signer) && cross.verify(signer.publicKey) ? next : undefined;
}

/** @param stored  with a certificate of a CA in it, whatever else is wrong */
function stepAuthorities(stored: TlsIdentity, needs: IdentityNeeds): readonly [Authorities, IdentityStep] {
  const { nowMs, isRotationAsked, random } = needs;
  const { ca } = stored;
  const isUsable = isUsableCa(ca, nowMs);
  const now: Authorities = {
    ca,
    next: successorOf(stored, isUsable, nowMs),
    crosses: notEnded(stored.crosses, nowMs),
    old: notEnded(stored.old, nowMs),
  };
  if (!isUsable) {
    // It can sign nothing any more; but what it has signed may be good for some time.
    if (isStillGood(stored.serving, ca, needs.requiredNames, nowMs)) return [now, "kept"];
    if (now.next !== undefined) return [succeed(now, now.next, nowMs), "rotated"];
    const old = notEnded([ca.certificatePem, ...now.old], nowMs);
    return [{ ca: makeCa(nowMs, random), next: undefined, crosses: [], old }, "made"];
  }
  const leftMs = certificateEndMs(ca.certificatePem) - nowMs;
  if (now.next === undefined) {
    if (leftMs >= SUCCESSOR_LEFT_MS && !isRotationAsked) return [now, "kept"];
    return [{ ...now, next: makeSuccessor(ca, needs) }, "announced"];
  }
  // Machines that were not told cannot follow: they get all the time that there is.
  const isTold = wasTold(now.next, leftMs, nowMs);
  const isDue = letsNoneBelow(ca) ? isTold && leftMs <= LAST_LEFT_MS : isTold || isRotationAsked;
  return isDue ? [succeed(now, now.next, nowMs), "rotated"] : [now, "kept"];
}

function isSame(a: TlsIdentity, b: TlsIdentity): boolean {
  return trustBundle(a) === trustBundle(b) && a.serving.certificatePem === b.serving.certificatePem;
}

/**
 * @param stored  undefined where there is no CA, or nothing that is one
 * @returns       what is to be stored; the very object that was given where nothing is to be written
 */
export function nextIdentity(
  stored: TlsIdentity | undefined,
  needs: IdentityNeeds,
): { readonly identity: TlsIdentity; readonly step: IdentityStep } {
  const { nowMs, random } = needs;
  // After a power cut without a clock's battery: no machine would know another CA, and this one's key would be gone.
  if (stored !== undefined && hasNotBegun(stored.ca, nowMs)) return { identity: stored, step: "kept" };
  const [authorities, step]: readonly [Authorities, IdentityStep] =
    stored === undefined
      ? [{ ca: makeCa(nowMs, random), next: undefined, crosses: [], old: [] }, "made"]
      : stepAuthorities(stored, needs);
  const { ca, crosses } = authorities;
  if (stored !== undefined && isAsGoodAsNew(stored.serving, ca, needs.requiredNames, nowMs)) {
    const leaf = new X509Certificate(stored.serving.certificatePem).toString();
    const serving = { certificatePem: joinPem([leaf, ...crosses]), keyPem: stored.serving.keyPem };
    const identity = { ...authorities, serving };
    return isSame(identity, stored) ? { identity: stored, step } : { identity, step };
  }
  const leaf = makeServingCertificate(ca, needs.names, nowMs, random);
  const serving = { certificatePem: joinPem([leaf.certificatePem, ...crosses]), keyPem: leaf.keyPem };
  return { identity: { ...authorities, serving }, step: step === "kept" ? "renewed" : step };
}
