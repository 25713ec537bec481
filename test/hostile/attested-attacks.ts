/** The attestation protocol with one field wrong at a time. What is told begins with the code that the machine is sent. */
import { generateKeyPairSync } from "node:crypto";
import {
  NO_CHANNEL,
  qualifyingData,
  readProtocolRefusal,
  REQUEST_MAX_BYTES,
  writeNonceRequest,
  type AttestRequest,
  type ChallengeAnswer,
} from "@rancheros/protocol/attestation";
import {
  answer,
  askMachine,
  askNonce,
  attest,
  Refusal,
  send,
  solve,
  type AttestedVisit,
  type OpenChallenge,
  type Reply,
} from "../machine/attested-visit.ts";
import { createSoftwareTpm, rocaModulus, type SoftwareTpm } from "../software-tpm/index.ts";
import type { Attack, Scene, Told } from "./attack.ts";
import { ATTESTATION_KEY_ROWS } from "./attestation-key-attacks.ts";
import { rsaSpki } from "./endorsement-key-attacks.ts";
import { newTpm } from "./say.ts";

export interface AttestedScene extends Scene {
  readonly channel: Buffer;
  readonly token: string;
}

export type AttestedAttack = Attack<AttestedScene>;

/** What cannot be read is a request that is wrong in itself; what can be read and is not enough is a refusal. */
function statusFor(reason: string): number {
  return reason.endsWith("_UNREADABLE") ? 400 : 403;
}

function toldBy(status: number, refusal: { readonly code: string; readonly message: string }): Told {
  return { via: "http", code: status, text: `${refusal.code}: ${refusal.message}` };
}

/** The answer's body names the code; the sentence behind it is for people. */
export function toldCode(status: number, reason: string): Attack["told"] {
  return { via: "http", code: status, text: new RegExp(`^${reason}: `) };
}

export async function refused(promise: Promise<unknown>): Promise<Told> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refusal) return toldBy(error.status, error.refusal);
    throw error;
  }
  throw new Error("it was not refused");
}

async function replied(promise: Promise<Reply>): Promise<Told> {
  const reply = await promise;
  return toldBy(reply.status, readProtocolRefusal(reply.body));
}

export function honest(scene: AttestedScene, tpm: SoftwareTpm = newTpm(scene)): AttestedVisit {
  const { origin, channel, token } = scene;
  return { next: () => origin, tpm, channel, purpose: { kind: "registration", token } };
}

/** An attestation that is honest but for what `change` does to it. */
function attestAttack(
  line: AttestedAttack["line"],
  what: string,
  reason: string,
  status: number,
  change: (request: AttestRequest, scene: AttestedScene) => AttestRequest,
): AttestedAttack {
  const run = async (scene: AttestedScene): Promise<Told> => {
    const visit = honest(scene);
    return refused(attest(visit, await askNonce(visit.next), (request) => change(request, scene)));
  };
  return { line, what, reason, told: toldCode(status, reason), run };
}

/** The right answer to a challenge, but for what `change` does to it. */
function answerAttack(
  what: string,
  reason: string,
  status: number,
  change: (solved: OpenChallenge, challenge: ChallengeAnswer, scene: AttestedScene) => OpenChallenge,
): AttestedAttack {
  const run = async (scene: AttestedScene): Promise<Told> => {
    const visit = honest(scene);
    const challenge = await attest(visit, await askNonce(visit.next));
    return refused(answer(visit.next, change(solve(visit, challenge), challenge, scene)));
  };
  return { line: "challenge", what, reason, told: toldCode(status, reason), run };
}

function flip(bytes: Buffer, at = bytes.length >> 1): Buffer {
  return Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
}

function ekAttack(what: string, reason: string, ek: () => AttestRequest["ek"]): AttestedAttack {
  return attestAttack("ek", what, reason, statusFor(reason), (request) => ({ ...request, ek: ek() }));
}

function requestAttack(
  what: string,
  reason: string,
  status: number,
  body: Buffer | undefined,
  options: { readonly step?: string; readonly method?: string; readonly contentType?: string } = {},
): AttestedAttack {
  const { step = "nonce", ...rest } = options;
  const run = async ({ origin }: AttestedScene): Promise<Told> => replied(send(origin, step, body, rest));
  return { line: "size", what, reason, told: toldCode(status, reason), run };
}

const nonceRequest = writeNonceRequest({ protocol: 2 });
const otherNonce = (request: AttestRequest, scene: AttestedScene): AttestRequest => {
  const data = qualifyingData(Buffer.alloc(48), scene.channel);
  return { ...request, ak: newTpm(scene).attestationData({ qualifyingData: data }).ak };
};

export const ATTESTED_ATTACKS: readonly AttestedAttack[] = [
  attestAttack("token", "an unknown token", "REGISTRATION_UNKNOWN", 403, (request) => ({
    ...request,
    purpose: { kind: "registration", token: "nosuchtoken" },
  })),
  attestAttack("twice", "a session for a machine that is not known", "MACHINE_UNKNOWN", 403, (request) => ({
    ...request,
    purpose: { kind: "session" },
  })),
  attestAttack("channel", "version 1 of the protocol", "PROTOCOL_VERSION", 400, (request) => ({
    ...request,
    protocol: 1,
  })),
  attestAttack("channel", "another TLS key than the attestation's", "AK_QUALIFYING_DATA", 403, (request, scene) => {
    const data = qualifyingData(request.nonce, Buffer.alloc(32, 9));
    return { ...request, ak: newTpm(scene).attestationData({ qualifyingData: data }).ak };
  }),
  attestAttack("channel", "somebody else's TLS key", "CHANNEL_MISMATCH", 403, (request, scene) => {
    const channel = Buffer.alloc(32, 9);
    const data = qualifyingData(request.nonce, channel);
    return { ...request, channel, ak: newTpm(scene).attestationData({ qualifyingData: data }).ak };
  }),
  attestAttack("channel", "no TLS key", "CHANNEL_MISMATCH", 403, (request, scene) => {
    const data = qualifyingData(request.nonce, NO_CHANNEL);
    return { ...request, channel: NO_CHANNEL, ak: newTpm(scene).attestationData({ qualifyingData: data }).ak };
  }),
  attestAttack("challenge", "a nonce that nobody gave", "NONCE_INVALID", 403, (request) => ({
    ...request,
    nonce: flip(request.nonce),
  })),
  attestAttack("challenge", "no nonce", "PROTOCOL_FIELDS", 400, (request) => ({ ...request, nonce: Buffer.alloc(0) })),
  attestAttack("challenge", "an attestation over another nonce", "AK_QUALIFYING_DATA", 403, otherNonce),
  ekAttack("RSA-1024", "EK_TOO_SHORT", () => ({
    type: "public-key",
    spkiDer: createSoftwareTpm({ ekRsaBits: 1024 }).ekSpkiDer,
  })),
  ekAttack("Ed25519", "EK_KEY_TYPE", () => ({
    type: "public-key",
    spkiDer: generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }),
  })),
  ekAttack("P-384", "EK_KEY_TYPE", () => ({
    type: "public-key",
    spkiDer: generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "der", type: "spki" }),
  })),
  ekAttack("RSA-4096", "EK_SIZE_UNSUPPORTED", () => ({
    type: "public-key",
    spkiDer: rsaSpki(Buffer.alloc(512, 0xdb)),
  })),
  ekAttack("a key of the library whose keys can be factored", "EK_ROCA", () => ({
    type: "public-key",
    spkiDer: rsaSpki(rocaModulus(1_000)),
  })),
  ekAttack("a certificate that is none", "EK_CERTIFICATE_UNREADABLE", () => ({
    type: "certificate",
    certificateDer: Buffer.from("3003020100", "hex"),
  })),
  ...ATTESTATION_KEY_ROWS.map(([what, reason, mutate]): AttestedAttack => ({
    line: "ak",
    what,
    reason,
    told: toldCode(statusFor(reason), reason),
    run: async (scene) => {
      const visit = honest(scene);
      const change = (request: AttestRequest): AttestRequest => {
        const data = qualifyingData(request.nonce, request.channel);
        return { ...request, ak: visit.tpm.attestationData({ qualifyingData: data, mutate }).ak };
      };
      return refused(attest(visit, await askNonce(visit.next), change));
    },
  })),
  answerAttack("a wrong proof", "PROOF_WRONG", 403, (solved) => ({ ...solved, proof: flip(solved.proof) })),
  answerAttack("a report that the proof does not vouch for", "PROOF_WRONG", 403, (solved) => ({
    ...solved,
    report: Buffer.from(`{"labels":{"role":"server"}}`),
  })),
  answerAttack("a state that was changed", "STATE_INVALID", 403, (solved) => ({
    ...solved,
    state: flip(solved.state),
  })),
  {
    line: "challenge",
    what: "the state of another machine's challenge",
    reason: "PROOF_WRONG",
    told: toldCode(403, "PROOF_WRONG"),
    run: async (scene) => {
      const [mine, other] = [honest(scene), honest(scene)];
      const solved = solve(mine, await attest(mine, await askNonce(mine.next)));
      const { state } = await attest(other, await askNonce(other.next));
      return refused(answer(mine.next, { ...solved, state }));
    },
  },
  {
    line: "challenge",
    what: "a session token that nobody gave",
    reason: "SESSION_INVALID",
    told: toldCode(401, "SESSION_INVALID"),
    run: async ({ origin }) => refused(askMachine(() => origin, "abc.def.ghi")),
  },
  requestAttack("a body of 64 KiB and a byte", "REQUEST_TOO_LARGE", 413, Buffer.alloc(REQUEST_MAX_BYTES + 1, 0x20)),
  requestAttack("a body that is no JSON", "PROTOCOL_FIELDS", 400, Buffer.from("nonsense")),
  requestAttack("a body in broken UTF-8", "PROTOCOL_FIELDS", 400, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])),
  requestAttack("a body of another type", "CONTENT_TYPE_UNSUPPORTED", 415, nonceRequest, { contentType: "text/plain" }),
  requestAttack("another method", "METHOD_NOT_ALLOWED", 405, nonceRequest, { method: "PUT" }),
  requestAttack("another endpoint", "ENDPOINT_UNKNOWN", 404, nonceRequest, { step: "whatever" }),
];
