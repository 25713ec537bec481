/** Standard base64 with padding, as Go's encoding/json writes []byte; unlike Buffer.from it refuses everything else. */

/** @returns the bytes, or `undefined` for missing padding, foreign characters, blanks, or bits after the end */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  // Node passes over what it does not know; the way back shows it, and costs less than a look at every character.
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
