/** Standard base64 with padding, as Go's encoding/json writes []byte; unlike Buffer.from it refuses everything else. */

const ALPHABET = /^[A-Za-z0-9+/]*={0,2}$/;

/** @returns the bytes, or `undefined` for missing padding, foreign characters, blanks, or bits after the end */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !ALPHABET.test(text)) {
    return undefined;
  }
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/**
 * Where Go's decoder would stop, for the sentence `illegal base64 data at input byte N` that people search for.
 * @param text  something that `decodeBase64` refused
 */
export function base64FaultOffset(text: string): number {
  const foreign = text.search(/[^A-Za-z0-9+/]/);
  return foreign === -1 ? text.length - (text.length % 4) : foreign;
}
