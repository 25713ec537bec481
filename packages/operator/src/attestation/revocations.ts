/** What certificate authorities have taken back, as far as an administrator gave their lists. */
import { hasSignedBytes, type Authority } from "./authority.ts";
import type { Certificate } from "./certificate.ts";
import { readRevocationList, serialText, type RevocationList } from "./revocation-list.ts";

/** A list whose signature is good. */
export interface Revocation {
  /** Key in the object, and number in it, for people. */
  readonly where: string;
  /** The key that signed it: whatever certificates of that authority there are, it is about all that the key signed. */
  readonly issuerSpkiDer: Buffer;
  readonly nextUpdate: Date | undefined;
  readonly serialNumbers: ReadonlySet<string>;
}

/** @returns undefined for bytes that are no list */
export function readList(der: Uint8Array): RevocationList | undefined {
  try {
    return readRevocationList(der);
  } catch {
    // Whatever is wrong with it, there is one thing to do about it: get another one.
    return undefined;
  }
}

/** Signatures that are looked at for all lists of one object: half a millisecond each. Real issuers have a name of their own. */
const SIGNATURES_MAX = 512;

/** How many of them are left. */
export interface SignatureLooks {
  left: number;
}

export function signatureLooks(): SignatureLooks {
  return { left: SIGNATURES_MAX };
}

/**
 * Finds who signed the list. Whether the authority's certificate allows it to sign lists is not asked: with what its key
 * has signed, a revocation can only be missed by being strict.
 * @param authorities  all that an administrator trusts
 * @param looks        of all lists together
 * @returns why it cannot be used, or what can
 */
export function revocationOf(
  list: RevocationList,
  where: string,
  authorities: readonly Authority[],
  looks: SignatureLooks,
): Revocation | string {
  const named = authorities.filter(({ certificate }) => certificate.subjectDer.equals(list.issuerDer));
  if (named.length === 0) return "is of an issuer that is not among the trust anchors";
  if (named.length > looks.left) {
    return `could be of more authorities than are looked at: ${SIGNATURES_MAX} signatures for all lists`;
  }
  looks.left -= named.length;
  const { tbsDer, signature, signatureAlgorithm } = list;
  const issuer = named.find((one) => hasSignedBytes(one, { tbsDer, signature, signatureAlgorithm }));
  if (issuer === undefined) return "is not signed by the issuer that it names, or with SHA-1";
  const { nextUpdate, serialNumbers } = list;
  return { where, issuerSpkiDer: issuer.certificate.spkiDer, nextUpdate, serialNumbers };
}

/** Whether the authority that signed this certificate has taken it back. */
export function isRevoked(revocations: readonly Revocation[], certificate: Certificate, issuer: Authority): boolean {
  const serial = serialText(certificate.serialNumber);
  return revocations.some(
    ({ issuerSpkiDer, serialNumbers }) => serialNumbers.has(serial) && issuerSpkiDer.equals(issuer.certificate.spkiDer),
  );
}

/** A sentence for each list that should have been followed by another one: they are used on, and may lack the newest. */
export function staleLists(revocations: readonly Revocation[], nowMs: number): readonly string[] {
  return revocations
    .filter(({ nextUpdate }) => nextUpdate !== undefined && nextUpdate.getTime() < nowMs)
    .map(
      ({ where, nextUpdate }) =>
        `${where}: is out of date since ${nextUpdate?.toISOString().slice(0, 10) ?? ""}, and is used on: get the next one`,
    );
}
