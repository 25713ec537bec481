/** The attestation protocol: ours, over plain HTTPS requests. docs/protocol.md tells what is said in which order. */
export {
  answerProof,
  channelOf,
  isAnswerProof,
  NO_CHANNEL,
  openAnswer,
  qualifyingData,
  sealAnswer,
} from "./digests.ts";
export { openSessionSeal, sealForSession, SESSION_KEY_BYTES } from "./session-seal.ts";
export { ATTESTATION_MESSAGE_ERRORS, AttestationMessageError } from "./errors.ts";
export type { AttestationMessageErrorCode } from "./errors.ts";
export { Fields } from "./fields.ts";
export * from "./limits.ts";
export { EMPTY_REPORT } from "./messages.ts";
export type {
  Admission,
  AnswerRequest,
  Approval,
  AttestRequest,
  ChallengeAnswer,
  MachineReport,
  MachineNode,
  MachineState,
  NonceAnswer,
  NonceRequest,
  ProtocolRefusal,
  Purpose,
  SealedAnswer,
  TrustClass,
} from "./messages.ts";
export {
  readAdmission,
  readAnswerRequest,
  readAttestRequest,
  readChallengeAnswer,
  readMachineReport,
  readMachineState,
  readNonceAnswer,
  readNonceRequest,
  readProtocolRefusal,
  readSealedAnswer,
} from "./read-message.ts";
export {
  writeAdmission,
  writeAnswerRequest,
  writeAttestRequest,
  writeChallengeAnswer,
  writeMachineReport,
  writeMachineState,
  writeNonceAnswer,
  writeNonceRequest,
  writeProtocolRefusal,
  writeSealedAnswer,
} from "./write-message.ts";
