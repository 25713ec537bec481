/** Adds keys to a user's authorized_keys, and takes none away. */

/** @param current  the file as it is. @returns the same where all keys are in it */
export function joinKeys(current: string, keys: readonly string[]): string {
  const there = new Set(current.split("\n").flatMap(keyOf));
  const missing = new Map(keys.flatMap((line) => keyOf(line).map((key) => [key, line] as const)));
  for (const key of there) missing.delete(key);
  if (missing.size === 0) return current;
  const before = current === "" || current.endsWith("\n") ? current : `${current}\n`;
  return `${before}${[...missing.values()].map((line) => `${line}\n`).join("")}`;
}

/** The key itself: options and comment may be others. */
function keyOf(line: string): readonly string[] {
  const key = /(?:^|\s)((?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]+\s+[A-Za-z0-9+/=]{20,})/.exec(line.trim())?.[1];
  return key === undefined || line.trim().startsWith("#") ? [] : [key.replaceAll(/\s+/g, " ")];
}
