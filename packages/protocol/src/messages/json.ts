/** From bytes of the other side to a JSON value, with nothing guessed: bounded, strict UTF-8, one value. */
import { MessageError } from "./errors.ts";

/**
 * @param bytes     the whole message
 * @param maxBytes  refused above
 * @param what      name of the message, for errors
 * @throws MessageError MESSAGE_TOO_LARGE, MESSAGE_NOT_UTF8, MESSAGE_NOT_JSON; never with content of the message
 */
export function parseJsonBytes(bytes: Uint8Array, maxBytes: number, what: string): unknown {
  if (bytes.byteLength > maxBytes) {
    throw new MessageError("MESSAGE_TOO_LARGE", `${what} has more than ${String(maxBytes)} bytes`, {
      details: { bytes: bytes.byteLength, maxBytes },
    });
  }
  const text = decodeUtf8(bytes, what);
  try {
    return JSON.parse(text);
  } catch {
    // The cause is left out: V8 quotes the input in it.
    throw new MessageError("MESSAGE_NOT_JSON", `${what} is not JSON`);
  }
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new MessageError("MESSAGE_NOT_UTF8", `${what} is not valid UTF-8`);
  }
}
