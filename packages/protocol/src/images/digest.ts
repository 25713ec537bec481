/** Digests as registries write them: an algorithm, a colon, lower-case hex. */

/** The algorithms that the OCI image specification registers and that nodes know. */
export type DigestAlgorithm = "sha256" | "sha512";

const HEX_DIGITS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

function isAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(HEX_DIGITS, text);
}

/** What is wrong with it, or undefined. Source: OCI image-spec descriptor.md, "Digests" and "Registered Algorithms" */
export function digestProblem(text: string): string | undefined {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  if (!isAlgorithm(algorithm)) return "is neither sha256: nor sha512: and hex digits";
  const wanted = HEX_DIGITS[algorithm];
  const hex = text.slice(colon + 1);
  if (hex.length !== wanted) return `has ${hex.length} characters behind ${algorithm}:, not ${wanted}`;
  return /^[0-9a-f]+$/.test(hex) ? undefined : `has other characters than 0-9 and a-f behind ${algorithm}:`;
}

export function isImageDigest(text: string): boolean {
  return digestProblem(text) === undefined;
}

/** @returns the hash to compute over the content; undefined where the text is no digest */
export function digestAlgorithm(text: string): DigestAlgorithm | undefined {
  if (!isImageDigest(text)) return undefined;
  return text.startsWith("sha256:") ? "sha256" : "sha512";
}
