/** A server of the attestation protocol that is honest unless a test changes one of its answers. */
import { X509Certificate, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { buffer } from "node:stream/consumers";
import {
  channelOf,
  isAnswerProof,
  NO_CHANNEL,
  qualifyingData,
  readAnswerRequest,
  readAttestRequest,
  readMachineReport,
  readNonceRequest,
  sealAnswer,
  writeAdmission,
  writeChallengeAnswer,
  writeMachineState,
  writeNonceAnswer,
  writeProtocolRefusal,
  writeSealedAnswer,
  type Admission,
  type AttestRequest,
  type MachineReport,
} from "@rancheros/protocol/attestation";
import { decodeAttest, objectName } from "@rancheros/protocol/tpm";

import type { ServerCertificate } from "./authority.ts";
import { makeCredential } from "./make-credential.ts";

export type Step = "nonce" | "attest" | "answer" | "machine" | "report";

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent in place of the body, under its length; then the connection is cut. */
  readonly cutAfterBytes?: number;
}

export interface Script {
  /** @returns what is sent in place of the honest reply. @param count  of requests of this step, from 1 */
  readonly alter?: (step: Step, honest: Reply, count: number) => Reply | Promise<Reply>;
  /** What is handed out to who asks for the CA; undefined for nothing. */
  readonly cacerts?: string | undefined;
  /** Of the admissions, and of the machine's state. */
  readonly admission?: (step: Step, count: number) => Partial<Admission>;
}

export interface Seen {
  readonly step: Step;
  readonly path: string;
  readonly bytes: number;
  readonly authorization: string | undefined;
}

export interface AttestationServer {
  readonly port: number;
  readonly seen: readonly Seen[];
  readonly attests: readonly AttestRequest[];
  /** Of machines that answered their challenge rightly, and of later reports. */
  readonly reports: readonly MachineReport[];
  readonly connections: () => number;
  play(script: Script): void;
  /** For connections from now on. */
  changeCertificate(certificate: ServerCertificate): void;
  stop(): Promise<void>;
}

export const SESSION_TOKEN = "session.canary.token";
export const MACHINE = {
  namespace: "fleet",
  name: "m-one-ab12c",
  uid: "11111111-2222-4333-8444-555555555555",
} as const;
export const CONFIG = {
  rancherd: { role: "server", token: "tpm://" },
  users: [{ name: "root", passwd: "canary-of-the-config" }],
} as const;

const ADMISSION: Admission = {
  machine: MACHINE,
  approval: "Approved",
  trust: "none",
  config: CONFIG,
  session: { token: SESSION_TOKEN, key: Buffer.alloc(32, 7), expiresInSeconds: 900 },
  ca: undefined,
  nextAskInSeconds: 1,
};

export function refusal(status: number, code: string, message: string, retryAfterSeconds?: number): Reply {
  return { status, body: writeProtocolRefusal({ code, message, retryAfterSeconds }) };
}

/** @param tls  undefined for a server without TLS */
export async function startAttestationServer(tls: ServerCertificate | undefined): Promise<AttestationServer> {
  const state = newState(tls);
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(state, request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createHttpServer(handle) : createHttpsServer(tls, handle);
  const open = new Set<{ destroy(): void }>();
  let connections = 0;
  server.on("connection", (socket: { destroy(): void; on(event: "close", listener: () => void): unknown }) => {
    connections++;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    seen: state.seen,
    attests: state.attests,
    reports: state.reports,
    connections: () => connections,
    play(script) {
      state.script = script;
      state.counts.clear();
      for (const list of [state.seen, state.attests, state.reports]) list.length = 0;
      connections = 0;
    },
    changeCertificate(certificate) {
      (server as HttpsServer).setSecureContext(certificate);
      state.channel = channelOfServer(certificate);
    },
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

interface State {
  script: Script;
  channel: Buffer;
  readonly counts: Map<Step, number>;
  readonly nonces: Set<string>;
  readonly secrets: Map<string, Buffer>;
  readonly seen: Seen[];
  readonly attests: AttestRequest[];
  readonly reports: MachineReport[];
}

function newState(tls: ServerCertificate | undefined): State {
  return {
    script: {},
    channel: channelOfServer(tls),
    counts: new Map(),
    nonces: new Set(),
    secrets: new Map(),
    seen: [],
    attests: [],
    reports: [],
  };
}

function channelOfServer(tls: ServerCertificate | undefined): Buffer {
  if (tls === undefined) return NO_CHANNEL;
  return channelOf(new X509Certificate(tls.cert).publicKey.export({ type: "spki", format: "der" }));
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? "";
  const step = /\/v2-rancheros\/(nonce|attest|answer|machine|report)$/.exec(path)?.[1] as Step | undefined;
  const body = await buffer(request);
  if (path === "/v1-rancheros/cacerts" && state.script.cacerts !== undefined) {
    response.writeHead(200, { "content-type": "text/plain" }).end(state.script.cacerts);
    return;
  }
  if (step === undefined) {
    response.writeHead(404).end("404 page not found\n");
    return;
  }
  const count = (state.counts.get(step) ?? 0) + 1;
  state.counts.set(step, count);
  state.seen.push({ step, path, bytes: body.length, authorization: request.headers.authorization });
  const honest = await HONEST[step](state, body, count, request);
  const reply = (await state.script.alter?.(step, honest, count)) ?? honest;
  response.writeHead(reply.status, {
    "content-type": "application/json",
    "content-length": String(reply.body.length),
    ...reply.headers,
  });
  if (reply.cutAfterBytes === undefined) {
    response.end(reply.body);
    return;
  }
  response.write(reply.body.subarray(0, reply.cutAfterBytes), () => response.destroy());
}

type Honest = (state: State, body: Buffer, count: number, request: IncomingMessage) => Reply | Promise<Reply>;

const HONEST: Readonly<Record<Step, Honest>> = {
  nonce: (state, body) => {
    readNonceRequest(body);
    const nonce = randomBytes(60);
    state.nonces.add(nonce.toString("hex"));
    return { status: 200, body: writeNonceAnswer({ protocol: 2, nonce, expiresInSeconds: 60 }) };
  },
  attest: async (state, body) => {
    const message = readAttestRequest(body);
    state.attests.push(message);
    const attested = decodeAttest(message.ak.createAttestation).extraData;
    const isKnown = state.nonces.delete(message.nonce.toString("hex"));
    const isBound = message.channel.equals(state.channel);
    if (!isKnown || !isBound || !attested.equals(qualifyingData(message.nonce, message.channel))) {
      return refusal(403, "CHANNEL_MISMATCH", "the attestation is for another server");
    }
    const secret = randomBytes(32);
    const sealed = randomBytes(100);
    state.secrets.set(sealed.toString("hex"), secret);
    const { credentialBlob, encryptedSecret } = await makeCredential(message.ek, objectName(message.ak.public), secret);
    const challenge = { protocol: 2, credentialBlob, encryptedSecret, state: sealed, expiresInSeconds: 60 };
    return { status: 200, body: writeChallengeAnswer(challenge) };
  },
  answer: (state, body, count) => {
    const { state: sealed, proof, report } = readAnswerRequest(body);
    const secret = state.secrets.get(sealed.toString("hex"));
    if (secret === undefined || !isAnswerProof(proof, secret, sealed, report)) {
      return refusal(403, "PROOF_WRONG", "the answer is not the secret");
    }
    if (report.length > 0) state.reports.push(readMachineReport(report));
    const admission = { ...ADMISSION, ...state.script.admission?.("answer", count) };
    const told = admission.approval === "Approved" ? admission : { ...admission, config: undefined };
    const answered = sealAnswer(writeAdmission(told), secret, { state: sealed, proof }, randomBytes(12));
    return { status: 200, body: writeSealedAnswer({ protocol: 2, sealed: answered }) };
  },
  machine: (state, _body, count, request) => machineState(state, "machine", count, request),
  report: (state, body, count, request) => {
    state.reports.push(readMachineReport(body));
    return machineState(state, "report", count, request);
  },
};

function machineState(state: State, step: Step, count: number, request: IncomingMessage): Reply {
  if (request.headers.authorization !== `Bearer ${SESSION_TOKEN}`) {
    return refusal(401, "SESSION_UNKNOWN", "the session has ended");
  }
  const { machine, approval, nextAskInSeconds } = { ...ADMISSION, ...state.script.admission?.(step, count) };
  return { status: 200, body: writeMachineState({ protocol: 2, machine, approval, nextAskInSeconds }) };
}
