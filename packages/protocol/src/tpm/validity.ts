/** From when to when a certificate is valid, as it says. */
import type { X509Certificate } from "node:crypto";

/** What OpenSSL says in place of a time that it cannot read. */
const UNREADABLE = "Bad time value";

export interface Validity {
  /** Of no time, NaN, where nobody can read it. */
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * To be used in place of validFromDate and validToDate: of a time that OpenSSL cannot read node:crypto makes a date out of
 * memory that nobody has written, which may be any.
 */
export function validityOf({
  validFrom,
  validTo,
  validFromDate,
  validToDate,
}: Pick<X509Certificate, "validFrom" | "validTo" | "validFromDate" | "validToDate">): Validity {
  const dateOf = (text: string, date: Date): Date => (text.startsWith(UNREADABLE) ? new Date(Number.NaN) : date);
  return { notBefore: dateOf(validFrom, validFromDate), notAfter: dateOf(validTo, validToDate) };
}
