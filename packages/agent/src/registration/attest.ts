/** One run of the attestation protocol: nonce, attestation, challenge, answer. `register`, `report` and `check` share it. */
import {
  AttestationMessageError,
  NO_CHANNEL,
  OLDEST_PROTOCOL_VERSION,
  PROTOCOL_VERSION,
  RESPONSE_MAX_BYTES,
  answerProof,
  channelOf,
  openAnswer,
  qualifyingData,
  readAdmission,
  readChallengeAnswer,
  readNonceAnswer,
  readSealedAnswer,
  writeAnswerRequest,
  writeAttestRequest,
  writeNonceRequest,
  type Admission,
  type ChallengeAnswer,
  type NonceAnswer,
  type Purpose,
} from "@rancheros/protocol/attestation";

import type { EndorsementKey, Tpm } from "../tpm/index.ts";
import { attestationEndpoints } from "./attestation-endpoints.ts";
import { CONNECT_TIMEOUT_MS, openChallenge } from "./conversation.ts";
import type { Course } from "./course.ts";
import { RegistrationError } from "./errors.ts";
import type { ServerAnswer, ServerConnection } from "./io/server-connection.ts";
import { readProtocolAnswer } from "./protocol-answer.ts";
import type { RegistrationUrl } from "./registration-url.ts";
import { wireKeys } from "./request-headers.ts";
import type { RegistrationStep } from "./step.ts";

export interface Attestation {
  readonly connection: ServerConnection;
  readonly course: Course;
  readonly server: RegistrationUrl;
  readonly tpm: Tpm;
  readonly ek: EndorsementKey;
  /** See Tpm.readEndorsementChain. */
  readonly ekChain: readonly Buffer[];
  readonly purpose: Purpose;
  readonly nowMs: () => number;
}

/** A challenge that the TPM has opened. */
export interface Opened {
  readonly challenge: ChallengeAnswer;
  readonly secret: Buffer;
  /** The server's key; undefined without TLS. */
  readonly peerSpki: Buffer | undefined;
}

const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" } as const;

/** A nonce, and the TLS key of the server that gave it. */
export interface FetchedNonce extends NonceAnswer {
  /** SubjectPublicKeyInfo; undefined without TLS. */
  readonly peerSpki: Buffer | undefined;
}

/** A challenge that lies here unopened. */
export interface Challenged {
  readonly challenge: ChallengeAnswer;
  /** @throws RegistrationError REGISTRATION_CHALLENGE_NOT_OURS; TpmError */
  readonly open: () => Promise<Opened>;
}

/** @throws RegistrationError REGISTRATION_PROTOCOL_UNKNOWN and others, AttestationMessageError PROTOCOL_VERSION */
export async function fetchNonce(attestation: Attestation): Promise<FetchedNonce> {
  const { nonce: url } = attestationEndpoints(attestation.server.url);
  const body = writeNonceRequest({ protocol: PROTOCOL_VERSION });
  const answer = await post(attestation, "connect", url, body, CONNECT_TIMEOUT_MS);
  const nonce = read(attestation, "connect", answer, readNonceAnswer);
  requireVersion(nonce.protocol);
  return { ...nonce, peerSpki: answer.peerSpki };
}

/**
 * Has the TPM certify its key for this nonce and this server, and the server challenge it.
 * @throws RegistrationError, TpmError
 */
export async function takeChallenge(attestation: Attestation, nonce: FetchedNonce): Promise<Challenged> {
  const { course, tpm, ek, ekChain, purpose } = attestation;
  const { peerSpki } = nonce;
  const channel = peerSpki === undefined ? NO_CHANNEL : channelOf(peerSpki);
  const qualification = qualifyingData(nonce.nonce, channel);
  const ak = await course.run("certify", () => tpm.createAttestationKey({ qualifyingData: qualification }));
  const { attest } = attestationEndpoints(attestation.server.url);
  const body = writeAttestRequest({
    protocol: nonce.protocol,
    nonce: nonce.nonce,
    channel,
    purpose,
    ekChain,
    ...wireKeys(ek, ak),
  });
  const second = await post(attestation, "challenge", attest, body);
  const challenge = read(attestation, "challenge", second, readChallengeAnswer);
  return {
    challenge,
    open: async () => ({ challenge, secret: await openChallenge(course, tpm, ak, challenge), peerSpki }),
  };
}

/**
 * Answers the challenge and opens what the server says to that.
 * @param report  see machineReportBytes; empty for none
 * @throws RegistrationError; AttestationMessageError SEAL_BROKEN for an answer that is meant for somebody else
 */
export async function answerChallenge(attestation: Attestation, opened: Opened, report: Buffer): Promise<Admission> {
  const { state, protocol } = opened.challenge;
  const proof = answerProof(opened.secret, state, report);
  const { answer } = attestationEndpoints(attestation.server.url);
  const body = writeAnswerRequest({ protocol, state, proof, report });
  const { sealed } = read(attestation, "config", await post(attestation, "config", answer, body), readSealedAnswer);
  const plain = openAnswer(sealed, opened.secret, { state, proof });
  try {
    return readAdmission(plain);
  } catch (cause) {
    if (!(cause instanceof AttestationMessageError)) throw cause;
    throw new RegistrationError("REGISTRATION_NONSENSE", `the server's last word makes no sense: ${cause.message}`, {
      cause,
      details: { step: "config" },
    });
  }
}

function post(
  { connection, course }: Attestation,
  step: RegistrationStep,
  url: URL,
  body: Buffer,
  limitMs?: number,
): Promise<ServerAnswer> {
  const request = { method: "POST", url, headers: JSON_HEADERS, body, maxBodyBytes: RESPONSE_MAX_BYTES + 1 } as const;
  return course.run(step, (signal) => connection.send({ ...request, signal }), limitMs);
}

function read<Message>(
  { server, nowMs }: Attestation,
  step: RegistrationStep,
  answer: ServerAnswer,
  reader: (bytes: Buffer) => Message,
): Message {
  return readProtocolAnswer(answer, reader, { server, step, isFirst: step === "connect", nowMs: nowMs() });
}

function requireVersion(theirs: number): void {
  if (theirs >= OLDEST_PROTOCOL_VERSION && theirs <= PROTOCOL_VERSION) return;
  throw new AttestationMessageError(
    "PROTOCOL_VERSION",
    `the server speaks version ${theirs} of the protocol, this program ${OLDEST_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}`,
  );
}
