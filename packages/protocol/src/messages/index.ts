/** Messages of the registration protocol, byte for byte as rancherd and its operator write and read them. */
export {
  formatAttestationHeader,
  formatAttestationJson,
  isTpmAuthorization,
  parseAttestationHeader,
  parseAttestationJson,
  TPM_AUTHORIZATION_PREFIX,
} from "./attestation-data.ts";
export type { AttestationData, AttestationKeyParameters } from "./attestation-data.ts";
export { decodeChallenge, encodeChallenge } from "./challenge.ts";
export type { Challenge } from "./challenge.ts";
export { decodeChallengeResponse, encodeChallengeResponse } from "./challenge-response.ts";
export type { ChallengeResponse } from "./challenge-response.ts";
export { formatEndorsementKey, parseEndorsementKey } from "./endorsement-key.ts";
export type { EndorsementKey } from "./endorsement-key.ts";
export { MESSAGE_ERRORS, MessageError } from "./errors.ts";
export type { MessageErrorCode } from "./errors.ts";
export {
  CHALLENGE_MAX_BYTES,
  CHALLENGE_RESPONSE_MAX_BYTES,
  EK_PEM_MAX_BYTES,
  HANDSHAKE_TIMEOUT_MS,
  HEADER_MAX_BYTES,
  MESSAGE_MAX_BYTES,
  MESSAGE_MAX_FRAGMENTS,
  SECRET_MAX_BYTES,
  SMBIOS_MAX_DEPTH,
  SMBIOS_MAX_ENTRIES,
  TPM_STRUCTURE_MAX_BYTES,
} from "./limits.ts";
export { formatSmbiosHeader, parseSmbiosHeader, SMBIOS_HEADER, smbiosOfHeaders } from "./smbios-header.ts";
export { parseSmbiosTree } from "./smbios-tree.ts";
export type { SmbiosNode, SmbiosTree } from "./smbios-tree.ts";
export { readByteField } from "./byte-field.ts";
export type { Problems } from "./byte-field.ts";
export { isJsonObject, parseJsonBytes } from "./json.ts";
