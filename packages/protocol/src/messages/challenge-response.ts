/** The machine's answer to a challenge: the secret that its TPM decrypted. */
import { readByteField } from "./byte-field.ts";
import { MessageError } from "./errors.ts";
import { isJsonObject, parseJsonBytes } from "./json.ts";
import { CHALLENGE_RESPONSE_MAX_BYTES, SECRET_MAX_BYTES } from "./limits.ts";
import type { Problems } from "./byte-field.ts";

export interface ChallengeResponse {
  readonly secret: Buffer;
}

/** @returns one line of JSON with a newline, as Go's json.Encoder writes it */
export function encodeChallengeResponse(response: ChallengeResponse): Buffer {
  return Buffer.from(`${JSON.stringify({ Secret: response.secret.toString("base64") })}\n`);
}

/** @throws MessageError  MESSAGE_TOO_LARGE, MESSAGE_NOT_UTF8, MESSAGE_NOT_JSON, MESSAGE_FIELDS */
export function decodeChallengeResponse(bytes: Uint8Array): ChallengeResponse {
  const value = parseJsonBytes(bytes, CHALLENGE_RESPONSE_MAX_BYTES, "the challenge response");
  const problems: Problems = [];
  const field = isJsonObject(value) ? value["Secret"] : undefined;
  const secret = readByteField(field, "Secret", SECRET_MAX_BYTES, problems);
  if (secret === undefined) {
    throw new MessageError("MESSAGE_FIELDS", `the challenge response has bad fields: ${problems.join("; ")}`, {
      problems,
    });
  }
  return { secret };
}
