/** From the bytes of the other side to a message. Fields that nobody knows are passed over: a newer side may send them. */
import { isJsonObject, MessageError, parseJsonBytes, parseSmbiosTree } from "@rancheros/protocol/messages";
import { EK_PEM_MAX_BYTES, TPM_STRUCTURE_MAX_BYTES, type EndorsementKey } from "@rancheros/protocol/messages";
import { AttestationMessageError } from "./errors.ts";
import { Fields } from "./fields.ts";
import {
  CA_MAX_CHARACTERS,
  DIGEST_BYTES,
  EK_CHAIN_MAX_BYTES,
  EK_CHAIN_MAX_CERTIFICATES,
  NONCE_MAX_BYTES,
  REQUEST_MAX_BYTES,
  RESPONSE_MAX_BYTES,
  SESSION_TOKEN_MAX_CHARACTERS,
  STATE_MAX_BYTES,
} from "./limits.ts";
import type {
  Admission,
  AnswerRequest,
  AttestRequest,
  ChallengeAnswer,
  MachineNode,
  MachineReport,
  MachineState,
  NonceAnswer,
  NonceRequest,
  ProtocolRefusal,
  Purpose,
  SealedAnswer,
} from "./messages.ts";
import { SESSION_KEY_BYTES } from "./session-seal.ts";

const VERSION_MAX = 1_000;
const SECONDS_MAX = 31 * 86_400;
/** Kubernetes' limit of a name; registration tokens may be chosen by people. */
const NAME_MAX = 253;
const TOKEN_MAX = 256;
const REPORT_ENTRIES_MAX = 64;
/** Nodes carry more labels than machines: zones, roles, and hundreds of features of processors and cards. */
const NODE_LABELS_MAX = 1_024;
const LABEL_KEY_MAX = 317;
const ANNOTATION_MAX = 2_048;
const ADDRESSES_MAX = 64;
const APPROVALS = ["Approved", "Pending", "Denied"] as const;
const TRUST_CLASSES = ["hardware", "virtual", "none"] as const;

function json(bytes: Uint8Array, maxBytes: number, what: string): unknown {
  try {
    return parseJsonBytes(bytes, maxBytes, what);
  } catch (cause) {
    if (!(cause instanceof MessageError)) throw cause;
    throw new AttestationMessageError("PROTOCOL_FIELDS", cause.message, { cause, problems: [cause.message] });
  }
}

function request<Message>(bytes: Uint8Array, what: string, read: (fields: Fields) => Message): Message {
  return Fields.read(json(bytes, REQUEST_MAX_BYTES, what), what, read);
}

function answer<Message>(bytes: Uint8Array, what: string, read: (fields: Fields) => Message): Message {
  return Fields.read(json(bytes, RESPONSE_MAX_BYTES, what), what, read);
}

function protocolOf(fields: Fields): number {
  return fields.integer("protocol", 1, VERSION_MAX);
}

function secondsOf(fields: Fields, field: string): number {
  return fields.integer(field, 0, SECONDS_MAX);
}

/** @throws AttestationMessageError, as all of these */
export function readNonceRequest(bytes: Uint8Array): NonceRequest {
  return request(bytes, "the request for a nonce", (fields) => ({ protocol: protocolOf(fields) }));
}

export function readNonceAnswer(bytes: Uint8Array): NonceAnswer {
  return answer(bytes, "the nonce", (fields) => ({
    protocol: protocolOf(fields),
    nonce: fields.bytes("nonce", NONCE_MAX_BYTES),
    expiresInSeconds: secondsOf(fields, "expiresInSeconds"),
  }));
}

function purposeOf(fields: Fields): Purpose {
  const kind = fields.choice("kind", ["registration", "session"]);
  return kind === "registration" ? { kind, token: fields.text("token", TOKEN_MAX) } : { kind };
}

function endorsementKeyOf(fields: Fields): EndorsementKey {
  if (fields.has("certificate") && fields.has("publicKey")) {
    fields.problem("publicKey", "goes without a certificate only");
  }
  return fields.has("certificate")
    ? { type: "certificate", certificateDer: fields.bytes("certificate", EK_PEM_MAX_BYTES) }
    : { type: "public-key", spkiDer: fields.bytes("publicKey", EK_PEM_MAX_BYTES) };
}

function chainOf(fields: Fields): readonly Buffer[] {
  const chain = fields.byteList("chain", EK_CHAIN_MAX_CERTIFICATES, EK_CHAIN_MAX_BYTES);
  if (chain.length > 0 && !fields.has("certificate")) fields.problem("chain", "goes with a certificate only");
  return chain;
}

export function readAttestRequest(bytes: Uint8Array): AttestRequest {
  return request(bytes, "the attestation", (fields) => ({
    protocol: protocolOf(fields),
    nonce: fields.bytes("nonce", NONCE_MAX_BYTES),
    channel: fields.bytes("channel", DIGEST_BYTES, DIGEST_BYTES),
    purpose: fields.object("purpose", purposeOf),
    ...fields.object("ek", (ek) => ({ ek: endorsementKeyOf(ek), ekChain: chainOf(ek) })),
    ak: fields.object("ak", (ak) => ({
      public: ak.bytes("public", TPM_STRUCTURE_MAX_BYTES),
      createData: ak.bytes("createData", TPM_STRUCTURE_MAX_BYTES),
      createAttestation: ak.bytes("createAttestation", TPM_STRUCTURE_MAX_BYTES),
      createSignature: ak.bytes("createSignature", TPM_STRUCTURE_MAX_BYTES),
    })),
  }));
}

export function readChallengeAnswer(bytes: Uint8Array): ChallengeAnswer {
  return answer(bytes, "the challenge", (fields) => ({
    protocol: protocolOf(fields),
    credentialBlob: fields.bytes("credentialBlob", TPM_STRUCTURE_MAX_BYTES),
    encryptedSecret: fields.bytes("encryptedSecret", TPM_STRUCTURE_MAX_BYTES),
    state: fields.bytes("state", STATE_MAX_BYTES),
    expiresInSeconds: secondsOf(fields, "expiresInSeconds"),
  }));
}

export function readAnswerRequest(bytes: Uint8Array): AnswerRequest {
  return request(bytes, "the answer to the challenge", (fields) => ({
    protocol: protocolOf(fields),
    state: fields.bytes("state", STATE_MAX_BYTES),
    proof: fields.bytes("proof", DIGEST_BYTES, DIGEST_BYTES),
    report: fields.optionalBytes("report", REQUEST_MAX_BYTES),
  }));
}

export function readSealedAnswer(bytes: Uint8Array): SealedAnswer {
  return answer(bytes, "the sealed answer", (fields) => ({
    protocol: protocolOf(fields),
    sealed: fields.bytes("sealed", RESPONSE_MAX_BYTES),
  }));
}

function machineOf(fields: Fields): Admission["machine"] {
  return {
    namespace: fields.text("namespace", NAME_MAX),
    name: fields.text("name", NAME_MAX),
    uid: fields.text("uid", NAME_MAX),
  };
}

/** @param bytes  what openAnswer gave */
export function readAdmission(bytes: Uint8Array): Admission {
  return answer(bytes, "the admission", (fields) => {
    const config = fields.raw("config");
    if (config !== undefined && config !== null && !isJsonObject(config)) fields.problem("config", "is not an object");
    return {
      machine: fields.object("machine", machineOf),
      approval: fields.choice("approval", APPROVALS),
      trust: fields.choice("trust", TRUST_CLASSES),
      config: isJsonObject(config) ? config : undefined,
      session: fields.object("session", (session) => ({
        token: session.text("token", SESSION_TOKEN_MAX_CHARACTERS),
        key: session.bytes("key", SESSION_KEY_BYTES, SESSION_KEY_BYTES),
        expiresInSeconds: secondsOf(session, "expiresInSeconds"),
      })),
      ca: fields.optionalText("ca", CA_MAX_CHARACTERS),
      nextAskInSeconds: secondsOf(fields, "nextAskInSeconds"),
    };
  });
}

export function readMachineState(bytes: Uint8Array): MachineState {
  return answer(bytes, "the machine's state", (fields) => ({
    protocol: protocolOf(fields),
    machine: fields.object("machine", machineOf),
    approval: fields.choice("approval", APPROVALS),
    nextAskInSeconds: secondsOf(fields, "nextAskInSeconds"),
  }));
}

function treeOf(fields: Fields, field: string): MachineReport["smbios"] {
  if (!fields.has(field)) return undefined;
  try {
    return parseSmbiosTree(fields.raw(field));
  } catch (cause) {
    if (!(cause instanceof MessageError)) throw cause;
    fields.problem(field, cause.message);
    return undefined;
  }
}

function nodeOf(node: Fields): MachineNode {
  return {
    name: node.text("name", NAME_MAX),
    uid: node.text("uid", NAME_MAX),
    labels: node.texts("labels", NODE_LABELS_MAX, LABEL_KEY_MAX),
    ready: node.flag("ready"),
    unschedulable: node.flag("unschedulable"),
    bootId: node.optionalText("bootId", NAME_MAX) ?? "",
    kubeletVersion: node.optionalText("kubeletVersion", NAME_MAX) ?? "",
  };
}

export function readMachineReport(bytes: Uint8Array): MachineReport {
  return request(bytes, "the machine's report", (fields) => ({
    smbios: treeOf(fields, "smbios"),
    hardware: treeOf(fields, "hardware"),
    labels: fields.texts("labels", REPORT_ENTRIES_MAX, LABEL_KEY_MAX),
    annotations: fields.texts("annotations", REPORT_ENTRIES_MAX, ANNOTATION_MAX),
    addresses: fields.list("addresses", ADDRESSES_MAX, (address) => ({
      type: address.choice("type", ["Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS"]),
      address: address.text("address", NAME_MAX),
    })),
    os: fields.optionalObject("os", (os) => ({
      name: os.optionalText("name", NAME_MAX) ?? "",
      version: os.optionalText("version", NAME_MAX) ?? "",
      image: os.optionalText("image", 2 * NAME_MAX) ?? "",
    })),
    agentVersion: fields.optionalText("agentVersion", NAME_MAX),
    node: fields.optionalObject("node", nodeOf),
  }));
}

export function readProtocolRefusal(bytes: Uint8Array): ProtocolRefusal {
  return answer(bytes, "the refusal", (fields) =>
    fields.object("error", (error) => ({
      code: error.text("code", NAME_MAX),
      message: error.text("message", 4 * NAME_MAX),
      retryAfterSeconds: error.has("retryAfterSeconds") ? secondsOf(error, "retryAfterSeconds") : undefined,
    })),
  );
}
