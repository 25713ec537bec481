/** Numbers of the TPM 2.0 Library specification, part 2 (structures), under their TCG names. */

/** TPM_GENERATED_VALUE, section 6.2: the first word of everything that a TPM itself attests. */
export const TPM_GENERATED_VALUE = 0xff544347;

/** TPM_ALG_ID, section 6.3; only what this project reads or writes. */
export const TPM_ALG = {
  RSA: 0x0001,
  SHA1: 0x0004,
  AES: 0x0006,
  SHA256: 0x000b,
  SHA384: 0x000c,
  SHA512: 0x000d,
  NULL: 0x0010,
  RSASSA: 0x0014,
  RSAES: 0x0015,
  RSAPSS: 0x0016,
  OAEP: 0x0017,
  ECDSA: 0x0018,
  ECDH: 0x0019,
  KDF1_SP800_56A: 0x0020,
  MGF1: 0x0007,
  KDF2: 0x0021,
  KDF1_SP800_108: 0x0022,
  ECC: 0x0023,
  CFB: 0x0043,
} as const;

/** TPM_ECC_CURVE, section 6.4. */
export const TPM_ECC = { NIST_P256: 0x0003, NIST_P384: 0x0004, NIST_P521: 0x0005 } as const;

/** TPM_ST, section 6.9: the kinds of attestation that this project reads. */
export const TPM_ST = { ATTEST_CERTIFY: 0x8017, ATTEST_QUOTE: 0x8018, ATTEST_CREATION: 0x801a } as const;

/** TPM_RH, section 7.4: the hierarchies that can be the parent of a primary key. */
export const TPM_RH = { OWNER: 0x40000001, NULL: 0x40000007, ENDORSEMENT: 0x4000000b } as const;

/** TPMA_OBJECT, section 8.3: the bits of `objectAttributes`. */
export const TPMA_OBJECT = {
  FIXED_TPM: 0x0000_0002,
  ST_CLEAR: 0x0000_0004,
  FIXED_PARENT: 0x0000_0010,
  SENSITIVE_DATA_ORIGIN: 0x0000_0020,
  USER_WITH_AUTH: 0x0000_0040,
  ADMIN_WITH_POLICY: 0x0000_0080,
  NO_DA: 0x0000_0400,
  ENCRYPTED_DUPLICATION: 0x0000_0800,
  RESTRICTED: 0x0001_0000,
  DECRYPT: 0x0002_0000,
  SIGN_ENCRYPT: 0x0004_0000,
  X509_SIGN: 0x0008_0000,
} as const;

/** NV index of the RSA-2048 endorsement key certificate (TCG EK Credential Profile 2.2.1.4). */
export const NV_RSA_EK_CERTIFICATE = 0x01c0_0002;

/** Where the endorsement key and the storage root key live when somebody made them persistent (TCG provisioning guide). */
export const PERSISTENT_RSA_EK = 0x8101_0001;
export const PERSISTENT_RSA_SRK = 0x8100_0001;

/** Largest sizes that a TPM with SHA-512 and RSA-4096 can produce, in bytes. */
export const TPM_MAX = {
  /** TPM2B_DIGEST: one SHA-512 */
  DIGEST_BYTES: 64,
  /** TPM2B_NAME: algorithm and digest */
  NAME_BYTES: 66,
  /** TPM2B_DATA: as large as TPMT_HA */
  DATA_BYTES: 66,
  /** TPM2B_PUBLIC_KEY_RSA of RSA-4096 */
  RSA_KEY_BYTES: 512,
  /** TPM2B_ECC_PARAMETER of P-521 */
  ECC_PARAMETER_BYTES: 66,
  /** TPML_PCR_SELECTION: HASH_COUNT of the reference code */
  PCR_SELECTIONS: 16,
  /** TPMS_PCR_SELECTION.sizeofSelect: 32 PCRs */
  PCR_SELECT_BYTES: 4,
} as const;
