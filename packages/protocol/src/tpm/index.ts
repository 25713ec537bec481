/** TPM 2.0 structures, names and endorsement keys: bytes in, values out, no device and no trust decision. */
export { decodeAttest, encodeAttest } from "./attest.ts";
export type { Attest, CertifyAttestation, ClockInfo, CreationAttestation, QuoteAttestation } from "./attest.ts";
export { ByteReader, unwrapTpm2b } from "./byte-reader.ts";
export type { SizeBounds } from "./byte-reader.ts";
export { ByteWriter, wrapTpm2b } from "./byte-writer.ts";
export { isAcceptedAlgorithm, isSignedWith, signedBytesOf } from "./certificate-signature.ts";
export type { SignedBytes } from "./certificate-signature.ts";
export {
  NV_RSA_EK_CERTIFICATE,
  PERSISTENT_RSA_EK,
  PERSISTENT_RSA_SRK,
  TPM_ALG,
  TPM_ECC,
  TPM_GENERATED_VALUE,
  TPM_MAX,
  TPM_RH,
  TPM_ST,
  TPMA_OBJECT,
} from "./constants.ts";
export { decodeCreationData, encodeCreationData } from "./creation-data.ts";
export type { CreationData } from "./creation-data.ts";
export { DER_TAG, DerReader } from "./der.ts";
export type { DerElement } from "./der.ts";
export { EK_CERTIFICATE_MAX_BYTES, readEkCertificate, stripTcgCertificateWrapper } from "./ek-certificate.ts";
export type { EkCertificate } from "./ek-certificate.ts";
export { ekHash } from "./ek-hash.ts";
export { TPM_FORMAT_ERRORS, TpmFormatError } from "./errors.ts";
export type { TpmFormatErrorCode } from "./errors.ts";
export { NODE_HASH } from "./hash-algorithm.ts";
export type { HashAlgorithm } from "./hash-algorithm.ts";
export type { EccScheme, KdfScheme, RsaScheme, SymmetricDefinition } from "./key-scheme.ts";
export { objectName } from "./object-name.ts";
export { openX509 } from "./open-x509.ts";
export { validityOf } from "./validity.ts";
export type { Validity } from "./validity.ts";
export type { PcrSelection } from "./pcr-selection.ts";
export { decodePublicArea, encodePublicArea } from "./public-area.ts";
export type { EccCurve, EccPublicArea, PublicArea, RsaKeyBits, RsaPublicArea } from "./public-area.ts";
export { publicAreaFromSpki, RSA_DEFAULT_EXPONENT, spkiFromPublicArea } from "./public-area-key.ts";
export { decodeSignature, encodeSignature } from "./signature.ts";
export type { EcdsaSignature, RsaSignature, Signature } from "./signature.ts";
export { decodeSubjectPublicKey, encodeSubjectPublicKey } from "./subject-public-key.ts";
export type { EcSubjectPublicKey, RsaSubjectPublicKey, SubjectPublicKey } from "./subject-public-key.ts";
export { EK_POLICY_SHA256, RSA_AK_TEMPLATE, RSA_EK_TEMPLATE } from "./templates.ts";
