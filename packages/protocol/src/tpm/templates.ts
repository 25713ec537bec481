/** Public areas that both sides must agree on before there is a key. */
import { TPMA_OBJECT } from "./constants.ts";
import type { RsaPublicArea } from "./public-area.ts";

/** TPM2_PolicySecret(TPM_RH_ENDORSEMENT): what every low-range endorsement key asks for before it decrypts. */
export const EK_POLICY_SHA256 = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";

/**
 * The default RSA-2048 endorsement key, template L-1: TPM2_CreatePrimary in the endorsement hierarchy with exactly this
 * always gives the same key on the same TPM.
 * Source: TCG EK Credential Profile for TPM 2.0, appendix B.3.3
 */
export const RSA_EK_TEMPLATE: RsaPublicArea = {
  type: "RSA",
  nameAlg: "SHA256",
  objectAttributes:
    TPMA_OBJECT.FIXED_TPM |
    TPMA_OBJECT.FIXED_PARENT |
    TPMA_OBJECT.SENSITIVE_DATA_ORIGIN |
    TPMA_OBJECT.ADMIN_WITH_POLICY |
    TPMA_OBJECT.RESTRICTED |
    TPMA_OBJECT.DECRYPT,
  authPolicy: Buffer.from(EK_POLICY_SHA256, "hex"),
  symmetric: { algorithm: "AES", keyBits: 128, mode: "CFB" },
  scheme: { scheme: "NULL" },
  keyBits: 2048,
  exponent: 0,
  modulus: Buffer.alloc(256),
};

/**
 * The attestation key that a node makes for one conversation: restricted, signing RSASSA with SHA-256, made in and
 * never leaving the TPM. With NO_DA, other than rancherd's, so that power cuts lock no TPM; a verifier accepts both.
 */
export const RSA_AK_TEMPLATE: RsaPublicArea = {
  type: "RSA",
  nameAlg: "SHA256",
  objectAttributes:
    TPMA_OBJECT.FIXED_TPM |
    TPMA_OBJECT.FIXED_PARENT |
    TPMA_OBJECT.SENSITIVE_DATA_ORIGIN |
    TPMA_OBJECT.USER_WITH_AUTH |
    TPMA_OBJECT.NO_DA |
    TPMA_OBJECT.RESTRICTED |
    TPMA_OBJECT.SIGN_ENCRYPT,
  authPolicy: Buffer.alloc(0),
  symmetric: { algorithm: "NULL" },
  scheme: { scheme: "RSASSA", hash: "SHA256" },
  keyBits: 2048,
  exponent: 0,
  modulus: Buffer.alloc(256),
};
