/** AttestationData, the first thing a machine says: its endorsement key, and a fresh attestation key with its birth record. */
import { base64FaultOffset, decodeBase64 } from "./base64.ts";
import { readByteField } from "./byte-field.ts";
import { formatEndorsementKey, parseEndorsementKey } from "./endorsement-key.ts";
import { MessageError } from "./errors.ts";
import { isJsonObject, parseJsonBytes } from "./json.ts";
import { EK_PEM_MAX_BYTES, HEADER_MAX_BYTES, TPM_STRUCTURE_MAX_BYTES } from "./limits.ts";
import type { Problems } from "./byte-field.ts";
import type { EndorsementKey } from "./endorsement-key.ts";

/** What a TPM returned about its attestation key; nothing of it is checked yet. */
export interface AttestationKeyParameters {
  /** TPMT_PUBLIC without the size of TPM2B_PUBLIC */
  readonly public: Buffer;
  /** TPMS_CREATION_DATA */
  readonly createData: Buffer;
  /** TPMS_ATTEST of TPM2_CertifyCreation */
  readonly createAttestation: Buffer;
  /** TPMT_SIGNATURE over `createAttestation` */
  readonly createSignature: Buffer;
}

export interface AttestationData {
  readonly ek: EndorsementKey;
  readonly ak: AttestationKeyParameters;
}

/** The scheme and its mark; there is no space between the mark and the base64. */
export const TPM_AUTHORIZATION_PREFIX = "Bearer TPM";

/** Whether this Authorization header is meant for `parseAttestationHeader`, as the Go server decides it. */
export function isTpmAuthorization(authorization: string): boolean {
  return authorization.startsWith(TPM_AUTHORIZATION_PREFIX);
}

/** @returns the value of the Authorization header: `Bearer TPM` + base64 of the JSON, keys in Go's order */
export function formatAttestationHeader(data: AttestationData): string {
  return TPM_AUTHORIZATION_PREFIX + Buffer.from(formatAttestationJson(data)).toString("base64");
}

/** @returns the JSON as Go's encoding/json writes it, without a newline */
export function formatAttestationJson(data: AttestationData): string {
  return JSON.stringify({
    EK: Buffer.from(formatEndorsementKey(data.ek)).toString("base64"),
    AK: {
      Public: data.ak.public.toString("base64"),
      UseTCSDActivationFormat: false,
      CreateData: data.ak.createData.toString("base64"),
      CreateAttestation: data.ak.createAttestation.toString("base64"),
      CreateSignature: data.ak.createSignature.toString("base64"),
    },
  });
}

/**
 * @param authorization  value of the Authorization header
 * @throws MessageError  MESSAGE_NOT_TPM_AUTHORIZATION, MESSAGE_TOO_LARGE, MESSAGE_NOT_BASE64, MESSAGE_NOT_UTF8,
 *                       MESSAGE_NOT_JSON, MESSAGE_FIELDS with every bad field in `problems`
 */
export function parseAttestationHeader(authorization: string): AttestationData {
  if (!isTpmAuthorization(authorization)) {
    throw new MessageError("MESSAGE_NOT_TPM_AUTHORIZATION", "the Authorization header does not begin with Bearer TPM");
  }
  if (authorization.length > HEADER_MAX_BYTES) {
    const allowed = String(HEADER_MAX_BYTES);
    throw new MessageError("MESSAGE_TOO_LARGE", `the Authorization header has more than ${allowed} bytes`);
  }
  const text = authorization.slice(TPM_AUTHORIZATION_PREFIX.length);
  const bytes = decodeBase64(text);
  if (bytes === undefined) {
    const offset = String(base64FaultOffset(text));
    throw new MessageError("MESSAGE_NOT_BASE64", `attestation data: illegal base64 data at input byte ${offset}`);
  }
  return parseAttestationJson(bytes);
}

/**
 * Unknown keys are ignored, as Go does; the TPM 1.2 form (`UseTCSDActivationFormat`) is refused.
 * @throws MessageError as `parseAttestationHeader`
 */
export function parseAttestationJson(bytes: Uint8Array): AttestationData {
  const value = parseJsonBytes(bytes, HEADER_MAX_BYTES, "attestation data");
  const problems: Problems = [];
  if (!isJsonObject(value)) {
    throw fieldsError(["(all): is not an object"]);
  }
  const ek = readEndorsementKey(value["EK"], problems);
  const ak = readAttestationKey(value["AK"], problems);
  if (ek === undefined || ak === undefined || problems.length > 0) {
    throw fieldsError(problems);
  }
  return { ek, ak };
}

function readEndorsementKey(value: unknown, problems: Problems): EndorsementKey | undefined {
  const pem = readByteField(value, "EK", EK_PEM_MAX_BYTES, problems);
  if (pem === undefined) {
    return undefined;
  }
  const ek = parseEndorsementKey(pem.toString("latin1"));
  if (ek === undefined) {
    problems.push("EK: is not one PEM block of type CERTIFICATE or PUBLIC KEY");
  }
  return ek;
}

function readAttestationKey(value: unknown, problems: Problems): AttestationKeyParameters | undefined {
  if (!isJsonObject(value)) {
    problems.push(value === undefined || value === null ? "AK: is missing" : "AK: is not an object");
    return undefined;
  }
  const tpm12 = value["UseTCSDActivationFormat"];
  if (tpm12 !== undefined && tpm12 !== false) {
    problems.push("AK.UseTCSDActivationFormat: must be false, TPM 1.2 is not supported");
  }
  const read = (field: string): Buffer | undefined =>
    readByteField(value[field], `AK.${field}`, TPM_STRUCTURE_MAX_BYTES, problems);
  const publicArea = read("Public");
  const createData = read("CreateData");
  const createAttestation = read("CreateAttestation");
  const createSignature = read("CreateSignature");
  if (!publicArea || !createData || !createAttestation || !createSignature) {
    return undefined;
  }
  return { public: publicArea, createData, createAttestation, createSignature };
}

function fieldsError(problems: readonly string[]): MessageError {
  const message = `attestation data has bad fields: ${problems.join("; ")}`;
  return new MessageError("MESSAGE_FIELDS", message, { problems });
}
