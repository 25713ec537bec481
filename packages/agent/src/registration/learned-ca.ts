/** CAs that the operator itself has told a machine of, in sessions that were proved: by them it knows the operator when its CA has changed. */
import { isJsonObject, parseJsonBytes } from "@rancheros/protocol/messages";
import { CA_MAX_CHARACTERS } from "@rancheros/protocol/attestation";

import { readCaCertificates } from "./trust.ts";

/** Its name in the agent's state folder. */
export const LEARNED_CA_FILE = "operator-ca.json";
/** JSON around a bundle in which each line's end is two characters. */
export const LEARNED_CA_MAX_BYTES = 2 * CA_MAX_CHARACTERS;
const WHERE = "the CA that the operator told of";

/**
 * @param text    of the file; undefined where there is none
 * @param origin  of the server that is spoken to: another one's CAs count for nothing
 * @param under   name of the trust by which the server is known: what was learned by another, such as that of a CA whose
 *                key was stolen, counts for nothing once somebody has given a new one
 * @returns       PEM; undefined where nothing was learned, or nothing that can be used
 */
export function parseLearnedCa(text: string | undefined, origin: string, under: string): string | undefined {
  if (text === undefined) return undefined;
  try {
    const kept: unknown = parseJsonBytes(Buffer.from(text), LEARNED_CA_MAX_BYTES, WHERE);
    if (!isJsonObject(kept) || kept["server"] !== origin || kept["under"] !== under) return undefined;
    if (typeof kept["ca"] !== "string") return undefined;
    return readCaCertificates(kept["ca"], WHERE).join("\n");
  } catch {
    // What was cut short by a full disk is told anew in a quarter of an hour.
    return undefined;
  }
}

/**
 * @param pem  as the operator told it
 * @returns    what is to be kept
 * @throws RegistrationError REGISTRATION_TRUST_INVALID
 */
export function learnedCaText(pem: string, origin: string, under: string): string {
  return `${JSON.stringify({ server: origin, under, ca: readCaCertificates(pem, WHERE).join("\n") })}\n`;
}
