/** From a machine's Authorization header to a challenge that only its TPM can answer. */
import {
  decodeChallengeResponse,
  encodeChallenge,
  parseAttestationHeader,
  SECRET_MAX_BYTES,
  type EndorsementKey,
} from "@rancheros/protocol/messages";
import {
  checkChallengeAnswer,
  makeCredential,
  verifyAttestation,
  type EndorsementKeyPolicy,
} from "../attestation/index.ts";
import { SessionError } from "./errors.ts";

/** The protocol of rancherd knows one kind of endorsement key; its client reads no longer challenge. */
const LEGACY_EK_BITS = 2048;

export interface MachineChallenge {
  /** SHA-256 of the endorsement key, hex; nobody has proved to hold it before the answer is right. */
  readonly ekHash: string;
  /** As the machine sent it, with its certificate where it has one. */
  readonly ek: EndorsementKey;
  /** Name of the attestation key, hex. */
  readonly akName: string;
  /** The message to send. */
  readonly message: Buffer;
  /** @throws SessionError CHALLENGE_FAILED, MessageError */
  readonly checkAnswer: (answer: Uint8Array) => void;
}

/**
 * @param authorization  value of the header, beginning with `Bearer TPM`
 * @throws MessageError, AttestationError  what about the machine's keys is not believed
 */
export function challengeMachine(
  authorization: string,
  policy: EndorsementKeyPolicy,
  random: (bytes: number) => Buffer,
): MachineChallenge {
  const data = parseAttestationHeader(authorization);
  const attestation = verifyAttestation(data, policy);
  const { endorsementKey } = attestation;
  const { publicKey } = endorsementKey;
  if (publicKey.type !== "rsa" || publicKey.bits !== LEGACY_EK_BITS) {
    throw new SessionError("EK_NOT_LEGACY", "this protocol takes endorsement keys of RSA-2048 only");
  }
  const secret = random(SECRET_MAX_BYTES);
  const challenge = makeCredential({
    ek: endorsementKey,
    akName: attestation.attestationKey.name,
    secret,
    randomBytes: random,
  });
  return {
    ekHash: endorsementKey.hash,
    akName: attestation.attestationKey.name.toString("hex"),
    ek: data.ek,
    message: encodeChallenge(challenge),
    checkAnswer(answer) {
      if (!checkChallengeAnswer(secret, decodeChallengeResponse(answer).secret)) {
        throw new SessionError("CHALLENGE_FAILED", "the answer to the challenge is wrong");
      }
    },
  };
}
