/** Fields of JSON messages that are []byte in Go: base64 text, or null where the Go slice is nil. */
import { decodeBase64 } from "./base64.ts";

/** Collects what is wrong with the fields of one message, so that all of it is reported at once. */
export type Problems = string[];

/**
 * @param value     the JSON value; `null` and absent are the same, as in Go
 * @param path      for the report, for example `AK.Public`
 * @param maxBytes  after decoding
 * @returns the bytes, at least one; `undefined` after adding to `problems`
 */
export function readByteField(value: unknown, path: string, maxBytes: number, problems: Problems): Buffer | undefined {
  if (value === undefined || value === null || value === "") {
    problems.push(`${path}: is missing`);
    return undefined;
  }
  if (typeof value !== "string") {
    problems.push(`${path}: is not text`);
    return undefined;
  }
  if (value.length > Math.ceil(maxBytes / 3) * 4) {
    problems.push(`${path}: has more than ${String(maxBytes)} bytes`);
    return undefined;
  }
  const bytes = decodeBase64(value);
  if (bytes === undefined) {
    problems.push(`${path}: is not standard base64`);
    return undefined;
  }
  if (bytes.length > maxBytes) {
    problems.push(`${path}: has more than ${String(maxBytes)} bytes`);
    return undefined;
  }
  return bytes;
}
