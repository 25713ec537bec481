/** The server's challenge: a secret that only the TPM with this EK gives up, and only for the AK that was named. */
import { readByteField } from "./byte-field.ts";
import { MessageError } from "./errors.ts";
import { isJsonObject, parseJsonBytes } from "./json.ts";
import { CHALLENGE_MAX_BYTES, MESSAGE_MAX_BYTES, TPM_STRUCTURE_MAX_BYTES } from "./limits.ts";
import type { Problems } from "./byte-field.ts";

/** Both as TPM2_ActivateCredential takes them, with their two-byte sizes. */
export interface Challenge {
  /** TPM2B_ID_OBJECT */
  readonly credentialBlob: Buffer;
  /** TPM2B_ENCRYPTED_SECRET */
  readonly encryptedSecret: Buffer;
}

/**
 * @returns one line of JSON with a newline, as Go's json.Encoder writes it
 * @throws MessageError MESSAGE_UNENCODABLE above 512 bytes: rancherd would never see the end
 */
export function encodeChallenge(challenge: Challenge): Buffer {
  const json = JSON.stringify({
    EC: {
      Credential: challenge.credentialBlob.toString("base64"),
      Secret: challenge.encryptedSecret.toString("base64"),
    },
  });
  const bytes = Buffer.from(`${json}\n`);
  if (bytes.length > CHALLENGE_MAX_BYTES) {
    const allowed = String(CHALLENGE_MAX_BYTES);
    throw new MessageError(
      "MESSAGE_UNENCODABLE",
      `the challenge has more than the ${allowed} bytes that rancherd reads`,
    );
  }
  return bytes;
}

/**
 * @param bytes  the first message of the server
 * @throws MessageError  MESSAGE_TOO_LARGE, MESSAGE_NOT_UTF8, MESSAGE_NOT_JSON, MESSAGE_FIELDS
 */
export function decodeChallenge(bytes: Uint8Array): Challenge {
  const value = parseJsonBytes(bytes, MESSAGE_MAX_BYTES, "the challenge");
  const problems: Problems = [];
  const credential = isJsonObject(value) ? value["EC"] : undefined;
  if (!isJsonObject(credential)) {
    throw new MessageError("MESSAGE_FIELDS", "the challenge has no EC", { problems: ["EC: is missing"] });
  }
  const credentialBlob = readByteField(credential["Credential"], "EC.Credential", TPM_STRUCTURE_MAX_BYTES, problems);
  const encryptedSecret = readByteField(credential["Secret"], "EC.Secret", TPM_STRUCTURE_MAX_BYTES, problems);
  if (credentialBlob === undefined || encryptedSecret === undefined) {
    throw new MessageError("MESSAGE_FIELDS", `the challenge has bad fields: ${problems.join("; ")}`, { problems });
  }
  return { credentialBlob, encryptedSecret };
}
