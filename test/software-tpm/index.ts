/** Software TPMs for tests, hostile clients and load generators. They hold their keys in the open: never for real use. */
export { generateAttestationKey, softwareAttestationKey } from "./attestation-key.ts";
export type { AttestationMutations, SoftwareAttestationKey } from "./attestation-key.ts";
export { createEkCertificate, withRsaesOaep, wrapEkCertificate } from "./ek-certificate.ts";
export type { EkCertificateOptions } from "./ek-certificate.ts";
export { ecEndorsementKey, generateRsaEndorsementKey, rsaEndorsementKey } from "./endorsement-key.ts";
export type { EndorsementKeyJson, SoftwareEndorsementKey } from "./endorsement-key.ts";
export { createFleet, importFleet } from "./fleet.ts";
export type { FleetJson, SoftwareTpmFleet } from "./fleet.ts";
export { ROCA_PRODUCT, rocaModulus } from "./roca.ts";
export { createSoftwareTpm, importSoftwareTpm, softwareTpm } from "./software-tpm.ts";
export type { AttestationOptions, SoftwareTpm, SoftwareTpmJson, SoftwareTpmOptions } from "./software-tpm.ts";
export * from "./certificate-authority.ts";
export { createRevocationList, listPemOf } from "./revocation-list.ts";
export type { RevocationListParts } from "./revocation-list.ts";
