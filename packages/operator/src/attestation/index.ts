/** The verifier: decides whether a machine's keys are believed, and makes the challenge that its TPM must answer. */
export { verifyAttestation } from "./attestation.ts";
export type { VerifiedAttestation } from "./attestation.ts";
export { verifyAttestationKey } from "./attestation-key.ts";
export type { AttestationKeyExpectation, VerifiedAttestationKey } from "./attestation-key.ts";
export { checkChallengeAnswer, makeCredential } from "./credential.ts";
export type { CredentialRequest } from "./credential.ts";
export { verifyEndorsementKey } from "./endorsement-key.ts";
export type { EndorsementKeyPolicy, VerifiedEndorsementKey } from "./endorsement-key.ts";
export { ATTESTATION_ERRORS, AttestationError } from "./errors.ts";
export type { AttestationErrorCode } from "./errors.ts";
export { createTrustAnchorStore } from "./io/trust-anchor-store.ts";
export type { OperatorAnchors, RegistrationAnchors, TrustAnchorStore } from "./io/trust-anchor-store.ts";
export { judgeMachine } from "./judge-machine.ts";
export type { JudgedMachine } from "./judge-machine.ts";
export { NO_TRUST_ANCHORS, trustAnchors } from "./trust-anchors.ts";
export type { RootClass, TrustAnchors, TrustRoot } from "./trust-anchors.ts";
export type { EkProblem, EkProblemCode, EkVerdict, TpmDescription } from "./trust-class.ts";
export { verifyEkCertificate } from "./verify-ek-certificate.ts";
