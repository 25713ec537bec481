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
  isCaWithKey,
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
/** Of those that were set aside, with their keys: by a clock that says at most 2099 there are no more of ten years each. */
const ASIDE_KEPT = 8;

export interface Successor extends CertificateAndKey {
  /** Signed by the CA before it. PEM. */
  readonly crossPem: string;
}

export interface TlsIdentity {
  /** Signs serving certificates. */
  readonly ca: CertificateAndKey;
  /** Is published, and signs nothing yet. */
  readonly next: Successor | undefined;
  /** From the present CA back, each signed by the one before it; those that have ended are shown to nobody. PEM, newest first. */
  readonly crosses: readonly string[];
  /** CAs before the present one that have not ended. PEM, newest first. */
  readonly old: readonly string[];
  /** Those that have. Where the clock that said so was wrong, they are trusted again. */
  readonly ended: readonly string[];
  /** CAs that had ended, or not begun, when another one took their place: they sign again where that was the clock's fault. */
  readonly aside: readonly CertificateAndKey[];
  /** With the cross certificates behind it that have not ended. */
  readonly serving: CertificateAndKey;
}

/** How the CAs stand, whatever they have signed. */
type Authorities = Omit<TlsIdentity, "serving">;

/** What was done: nothing; the CA's certificate put right in the Secret; what this replica holds written into the emptied Secret; the first CA, or a new one in place of one that is of no use; only the serving certificate; a successor, that signs nothing yet; the successor signs; a CA that was set aside signs again; others are trusted, as one has ended or is good again. */
export type IdentityStep =
  "kept" | "mended" | "restored" | "made" | "renewed" | "announced" | "rotated" | "returned" | "adjusted";

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
export function trustBundle({ ca, next, old }: Pick<Authorities, "ca" | "next" | "old">): string {
  return joinPem([ca.certificatePem, ...(next === undefined ? [] : [next.certificatePem]), ...old]);
}

function notEnded(certificates: readonly string[], nowMs: number): readonly string[] {
  return certificates.filter((pem) => certificateEndMs(pem) > nowMs).slice(0, OLD_KEPT);
}

/** CAs before the present one by what the clock says of them. */
function sortByEnd(certificates: readonly string[], nowMs: number): Pick<Authorities, "old" | "ended"> {
  const known = [...new Set(certificates.map((pem) => pem.trim()))];
  const old = notEnded(known, nowMs);
  const ended = known.filter((pem) => certificateEndMs(pem) <= nowMs).slice(0, OLD_KEPT);
  return { old, ended };
}

/** Only what can sign in its time: to another one nobody goes back. */
function setAside(ca: CertificateAndKey, aside: readonly CertificateAndKey[]): readonly CertificateAndKey[] {
  return isCaWithKey(ca) ? [ca, ...aside].slice(0, ASIDE_KEPT) : aside;
}

/** What is set aside where the successor can sign nothing now either: it was published, and machines may know it alone. */
function withoutNext({ next, aside }: TlsIdentity): readonly CertificateAndKey[] {
  if (next === undefined) return aside;
  const { certificatePem, keyPem } = next;
  return setAside({ certificatePem, keyPem }, aside);
}

/** The CA of before, where the clock had ended it, or one that was made for such a time: machines know it. */
function goBack(now: Authorities, nowMs: number): Authorities | undefined {
  const back = now.aside.find((one) => isUsableCa(one, nowMs));
  if (back === undefined) return undefined;
  // Of a time to come, it would be published for as long again, and is good for nobody whose clock is right.
  const left = hasNotBegun(now.ca, nowMs) ? [] : [now.ca.certificatePem];
  const others = [...left, ...now.old, ...now.ended].filter((pem) => pem.trim() !== back.certificatePem.trim());
  const rest = now.aside.filter((one) => one !== back);
  return {
    ca: back,
    next: undefined,
    crosses: now.crosses,
    ...sortByEnd(others, nowMs),
    aside: setAside(now.ca, rest),
  };
}

/**
 * In the place of a CA that has not begun: one that was set aside; else a new one, but only where somebody asks. Machines
 * may have pinned it, and it may be that the clock is behind now, as after a power cut without a clock's battery: then no
 * machine would know another CA, and this one's key would be gone.
 */
function leaveUnbegun(stored: TlsIdentity, needs: IdentityNeeds): readonly [Authorities, IdentityStep] | undefined {
  const { nowMs, random, isRotationAsked } = needs;
  const back = goBack(stored, nowMs);
  if (back !== undefined) return [back, "returned"];
  if (!isRotationAsked) return undefined;
  const made = makeCa(nowMs, random);
  const cross = isCaWithKey(stored.ca) ? [crossSign(made, stored.ca, nowMs, random)] : [];
  return [
    {
      ...stored,
      ca: made,
      next: undefined,
      crosses: [...cross, ...stored.crosses],
      ...sortByEnd([stored.ca.certificatePem, ...stored.old, ...stored.ended], nowMs),
    },
    "rotated",
  ];
}

function makeSuccessor(ca: CertificateAndKey, { nowMs, random }: IdentityNeeds): Successor {
  const successor = makeCa(nowMs, random);
  return { ...successor, crossPem: crossSign(successor, ca, nowMs, random) };
}

/** The successor signs; who trusts an earlier CA is shown the way to it. */
function succeed(
  { ca, crosses, old, ended, aside }: Authorities,
  { crossPem, ...successor }: Successor,
  nowMs: number,
): Authorities {
  const hasEnded = certificateEndMs(ca.certificatePem) <= nowMs;
  return {
    ca: successor,
    next: undefined,
    crosses: [crossPem, ...crosses],
    ...sortByEnd([ca.certificatePem, ...old, ...ended], nowMs),
    aside: hasEnded ? setAside(ca, aside) : aside,
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
    crosses: stored.crosses,
    ...sortByEnd([...stored.old, ...stored.ended], nowMs),
    aside: stored.aside,
  };
  if (!isUsable) {
    // It can sign nothing any more; but what it has signed may be good for some time.
    if (isStillGood(stored.serving, ca, needs.requiredNames, nowMs)) return [now, "kept"];
    if (now.next !== undefined) return [succeed(now, now.next, nowMs), "rotated"];
    const back = goBack({ ...now, aside: withoutNext(stored) }, nowMs);
    if (back !== undefined) return [back, "returned"];
    const others = sortByEnd([ca.certificatePem, ...now.old, ...now.ended], nowMs);
    const aside = setAside(ca, withoutNext(stored));
    return [{ ca: makeCa(nowMs, random), next: undefined, crosses: now.crosses, ...others, aside }, "made"];
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

function firstAuthorities({ nowMs, random }: IdentityNeeds): readonly [Authorities, IdentityStep] {
  return [{ ca: makeCa(nowMs, random), next: undefined, crosses: [], old: [], ended: [], aside: [] }, "made"];
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
  const isEarly = stored !== undefined && hasNotBegun(stored.ca, nowMs);
  const left = isEarly ? leaveUnbegun(stored, needs) : undefined;
  if (isEarly && left === undefined) return { identity: stored, step: "kept" };
  const [found, step] = left ?? (stored === undefined ? firstAuthorities(needs) : stepAuthorities(stored, needs));
  const authorities = { ...found, crosses: found.crosses.slice(0, 2 * OLD_KEPT) };
  const { ca } = authorities;
  const shown = notEnded(authorities.crosses, nowMs);
  if (stored !== undefined && isAsGoodAsNew(stored.serving, ca, needs.requiredNames, nowMs)) {
    const leaf = new X509Certificate(stored.serving.certificatePem).toString();
    const serving = { certificatePem: joinPem([leaf, ...shown]), keyPem: stored.serving.keyPem };
    const identity = { ...authorities, serving };
    if (isSame(identity, stored)) return { identity: stored, step };
    return { identity, step: step === "kept" ? "adjusted" : step };
  }
  const leaf = makeServingCertificate(ca, needs.names, nowMs, random);
  const serving = { certificatePem: joinPem([leaf.certificatePem, ...shown]), keyPem: leaf.keyPem };
  return { identity: { ...authorities, serving }, step: step === "kept" ? "renewed" : step };
}
