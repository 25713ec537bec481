/** From a message to the JSON that read-message.ts reads. */
import type { EndorsementKey } from "@rancheros/protocol/messages";
import type {
  Admission,
  AnswerRequest,
  AttestRequest,
  ChallengeAnswer,
  MachineReport,
  MachineState,
  NonceAnswer,
  NonceRequest,
  ProtocolRefusal,
  SealedAnswer,
} from "./messages.ts";

function write(message: object): Buffer {
  return Buffer.from(JSON.stringify(message));
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64");
}

function endorsementKey(ek: EndorsementKey): object {
  return ek.type === "certificate" ? { certificate: base64(ek.certificateDer) } : { publicKey: base64(ek.spkiDer) };
}

export function writeNonceRequest(message: NonceRequest): Buffer {
  return write({ protocol: message.protocol });
}

export function writeNonceAnswer(message: NonceAnswer): Buffer {
  return write({ ...message, nonce: base64(message.nonce) });
}

export function writeAttestRequest(message: AttestRequest): Buffer {
  const { protocol, nonce, channel, purpose, ek, ekChain, ak } = message;
  return write({
    protocol,
    nonce: base64(nonce),
    channel: base64(channel),
    purpose,
    ek: { ...endorsementKey(ek), ...(ekChain.length === 0 ? {} : { chain: ekChain.map(base64) }) },
    ak: {
      public: base64(ak.public),
      createData: base64(ak.createData),
      createAttestation: base64(ak.createAttestation),
      createSignature: base64(ak.createSignature),
    },
  });
}

export function writeChallengeAnswer(message: ChallengeAnswer): Buffer {
  return write({
    ...message,
    credentialBlob: base64(message.credentialBlob),
    encryptedSecret: base64(message.encryptedSecret),
    state: base64(message.state),
  });
}

export function writeAnswerRequest(message: AnswerRequest): Buffer {
  const { protocol, state, proof, report } = message;
  return write({
    protocol,
    state: base64(state),
    proof: base64(proof),
    ...(report.length === 0 ? {} : { report: base64(report) }),
  });
}

export function writeSealedAnswer(message: SealedAnswer): Buffer {
  return write({ ...message, sealed: base64(message.sealed) });
}

/** The JSON that sealAnswer is given. */
export function writeAdmission(message: Admission): Buffer {
  return write({ ...message, session: { ...message.session, key: base64(message.session.key) } });
}

export function writeMachineState(message: MachineState): Buffer {
  return write(message);
}

export function writeMachineReport(message: MachineReport): Buffer {
  return write(message);
}

export function writeProtocolRefusal(message: ProtocolRefusal): Buffer {
  return write({ error: message });
}
