/** What machines may be given as an address: http or https, and paths can be put behind it. */

/**
 * @param text  as somebody wrote it: white space around it and slashes at its end do not count
 * @returns     undefined where it is none
 */
export function baseAddress(text: string): string | undefined {
  const trimmed = text.trim().replace(/\/+$/, "");
  // The parser takes new lines out of the middle, and machines do not.
  const url = /^[^\s?#]+$/.test(trimmed) ? URL.parse(trimmed) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return undefined;
  return trimmed;
}
