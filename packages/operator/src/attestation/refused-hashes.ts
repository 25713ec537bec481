/** Keys and certificates that an administrator wants to see no more, by their hashes. */

const HASH = /^[0-9a-f]{64}$/;
/** More than a ConfigMap can hold. */
const MAX_HASHES = 20_000;

/** What stands under one key. */
export interface RefusedHashes {
  readonly hashes: readonly string[];
  /** Sentences without the key that they are about. */
  readonly problems: readonly string[];
}

/**
 * One SHA-256 a line, 64 hex digits; colons between them, as openssl prints fingerprints, do not count. Empty lines and
 * everything behind # are passed over.
 */
export function refusedHashes(text: string): RefusedHashes {
  const hashes: string[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const word = (line.split("#", 1)[0] ?? "").replaceAll(":", "").trim().toLowerCase();
    if (word === "") continue;
    if (hashes.length === MAX_HASHES) {
      problems.push(`line ${index + 1} and those after it: more than ${MAX_HASHES} hashes`);
      break;
    }
    if (HASH.test(word)) hashes.push(word);
    else problems.push(`line ${index + 1}: is no SHA-256 of 64 hexadecimal digits`);
  }
  return { hashes, problems };
}
