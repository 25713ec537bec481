/** What an answer's Date header says, where it says something. */

/** No answer that an operator gets is of an earlier year, nor of a later one: whoever sends such a date knows no time. */
const FIRST_YEAR = 2025;
const LAST_YEAR = 2099;

/**
 * @param header  of one answer, as it came
 * @returns the second that it names, in milliseconds since 1970; undefined for what is no date, or no date of our time
 * Source: RFC 9110 section 5.6.7, IMF-fixdate, which is all that a server may send
 */
export function parseServerDate(header: unknown): number | undefined {
  if (typeof header !== "string") return undefined;
  const date = new Date(header);
  // The language takes much more for a date, such as "1".
  if (Number.isNaN(date.getTime()) || date.toUTCString() !== header) return undefined;
  const year = date.getUTCFullYear();
  return year >= FIRST_YEAR && year <= LAST_YEAR ? date.getTime() : undefined;
}
