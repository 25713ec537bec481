/** The time in a time stamp, with whatever fraction of a second it has. */
import { RFC3161Timestamp, type ASN1Obj } from "@sigstore/core";

/** DER leaves zeros at a fraction's end out, so it has any number of digits; seconds are never left out, and it is UTC. */
const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:[.](\d{1,9}))?Z$/;

/**
 * Sigstore's time stamp, whose own reading refuses fractions with other than three digits, and drops those. All else is its
 * own: that the authority has signed this very time is proved by its `verify`.
 */
export class StampedTime extends RFC3161Timestamp {
  /** In milliseconds; what is behind those is dropped. @throws where it is no time */
  override get signingTime(): Date {
    const time = this.tstInfo.root.subs[GEN_TIME];
    if (time === undefined) throw new Error("a time stamp has no time");
    return readGeneralizedTime(time);
  }
}

/** Source: RFC 3161 section 2.4.2, TSTInfo: version, policy, messageImprint, serialNumber, genTime */
const GEN_TIME = 4;

/** Source: RFC 3161 section 2.4.2, "genTime"; X.690 section 11.7 */
export function readGeneralizedTime({ tag, value }: Pick<ASN1Obj, "tag" | "value">): Date {
  const text = value.toString("latin1");
  const [, year, month, day, hour, minute, second, fraction = ""] = TIME.exec(text) ?? [];
  const isRead = tag.isGeneralizedTime() && year !== undefined;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const date = new Date(isRead ? `${iso}.${fraction.padEnd(3, "0").slice(0, 3)}Z` : Number.NaN);
  // Date takes the 30th of February for a day of March.
  if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(iso)) {
    throw new Error(`a time stamp's time is none: ${JSON.stringify(text.slice(0, 40))}`);
  }
  return date;
}
