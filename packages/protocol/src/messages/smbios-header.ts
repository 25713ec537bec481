/** X-Cattle-Smbios: the SMBIOS tree as base64 of JSON in a request header. */
import { base64FaultOffset, decodeBase64 } from "./base64.ts";
import { MessageError } from "./errors.ts";
import { parseJsonBytes } from "./json.ts";
import { HEADER_MAX_BYTES } from "./limits.ts";
import { parseSmbiosTree } from "./smbios-tree.ts";
import type { SmbiosTree } from "./smbios-tree.ts";

/** In lower case, as node:http gives header names. */
export const SMBIOS_HEADER = "x-cattle-smbios";

/** Source: elemental-operator's server, which reads as many numbered headers; its clients cut the value into parts of 875 characters. */
const PARTS_MAX = 200;

/**
 * What a request says of its machine's SMBIOS, in one header or, as later Go clients send it, in numbered parts.
 * @param headers  by name in lower case, as node:http gives them
 * @returns the whole value; undefined where there is none
 */
export function smbiosOfHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): string | undefined {
  const whole = headers[SMBIOS_HEADER];
  if (whole !== undefined) return typeof whole === "string" ? whole : whole[0];
  const parts: string[] = [];
  for (let number = 1; number <= PARTS_MAX; number += 1) {
    const part = headers[`${SMBIOS_HEADER}-${number}`];
    if (typeof part !== "string") break;
    parts.push(part);
  }
  return parts.length === 0 ? undefined : parts.join("");
}

/**
 * @returns the header's value
 * @throws MessageError MESSAGE_UNENCODABLE if it would not fit into the headers of one request
 */
export function formatSmbiosHeader(smbios: SmbiosTree): string {
  const value = Buffer.from(JSON.stringify(smbios)).toString("base64");
  if (value.length > HEADER_MAX_BYTES) {
    const details = { bytes: value.length, maxBytes: HEADER_MAX_BYTES };
    throw new MessageError("MESSAGE_UNENCODABLE", "the SMBIOS tree does not fit into a request header", { details });
  }
  return value;
}

/**
 * @param value  the header's value; an absent header is the caller's affair
 * @throws MessageError  MESSAGE_TOO_LARGE, MESSAGE_NOT_BASE64, or as `parseSmbiosTree`
 */
export function parseSmbiosHeader(value: string): SmbiosTree {
  if (value.length > HEADER_MAX_BYTES) {
    const allowed = String(HEADER_MAX_BYTES);
    throw new MessageError("MESSAGE_TOO_LARGE", `the X-Cattle-Smbios header has more than ${allowed} bytes`);
  }
  const bytes = decodeBase64(value);
  if (bytes === undefined) {
    const offset = String(base64FaultOffset(value));
    throw new MessageError("MESSAGE_NOT_BASE64", `X-Cattle-Smbios: illegal base64 data at input byte ${offset}`);
  }
  return parseSmbiosTree(parseJsonBytes(bytes, HEADER_MAX_BYTES, "X-Cattle-Smbios"));
}
