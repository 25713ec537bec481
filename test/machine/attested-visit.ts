/** A machine's visit by the attestation protocol, step by step, so that tests can be honest or hostile at any of them. */
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import {
  answerProof,
  channelOf,
  openAnswer,
  PROTOCOL_PATH,
  PROTOCOL_VERSION,
  qualifyingData,
  readAdmission,
  readChallengeAnswer,
  readMachineState,
  readNonceAnswer,
  readProtocolRefusal,
  readSealedAnswer,
  writeAnswerRequest,
  writeAttestRequest,
  writeMachineReport,
  writeNonceRequest,
  type Admission,
  type AttestRequest,
  type ChallengeAnswer,
  type MachineReport,
  type MachineState,
  type ProtocolRefusal,
  type Purpose,
} from "@rancheros/protocol/attestation";
import type { SoftwareTpm } from "../software-tpm/index.ts";

/** Where the next request goes: another replica each time where a test wants that. */
export type NextServer = () => string;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** A refusal as a test sees it. */
export class Refusal extends Error {
  readonly status: number;
  readonly refusal: ProtocolRefusal;

  constructor(reply: Reply) {
    const refusal = readProtocolRefusal(reply.body);
    super(`${reply.status} ${refusal.code}: ${refusal.message}`);
    this.status = reply.status;
    this.refusal = refusal;
  }
}

export interface SendOptions {
  readonly method?: string;
  readonly token?: string;
  readonly contentType?: string;
  readonly ifNoneMatch?: string;
}

export async function send(
  server: string,
  step: string,
  body: Buffer | undefined,
  options: SendOptions = {},
): Promise<Reply> {
  const response = await fetch(`${server}${PROTOCOL_PATH}/${step}`, {
    method: options.method ?? "POST",
    headers: {
      ...(body === undefined ? {} : { "content-type": options.contentType ?? "application/json" }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.ifNoneMatch === undefined ? {} : { "if-none-match": options.ifNoneMatch }),
    },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

/** @throws Refusal */
async function ask(server: string, step: string, body: Buffer | undefined, options?: SendOptions): Promise<Buffer> {
  const reply = await send(server, step, body, options);
  if (reply.status !== 200) throw new Refusal(reply);
  return reply.body;
}

/** The channel that a machine sees at this HTTPS address. */
export async function channelAt(httpsUrl: string): Promise<Buffer> {
  const { hostname, port } = new URL(httpsUrl);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(channelOf(new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" })));
    });
    socket.on("error", reject);
  });
}

export interface AttestedVisit {
  readonly next: NextServer;
  readonly tpm: SoftwareTpm;
  /** What the TPM holds beside its certificate; undefined for nothing. */
  readonly ekChain?: readonly Buffer[];
  readonly channel: Buffer;
  readonly purpose: Purpose;
  readonly report?: MachineReport;
}

export async function askNonce(next: NextServer): Promise<Buffer> {
  return readNonceAnswer(await ask(next(), "nonce", writeNonceRequest({ protocol: PROTOCOL_VERSION }))).nonce;
}

/** @param change  what to send in place of the honest request */
export async function attest(
  visit: AttestedVisit,
  nonce: Buffer,
  change: (honest: AttestRequest) => AttestRequest = (honest) => honest,
): Promise<ChallengeAnswer> {
  const { tpm, channel, purpose, ekChain = [] } = visit;
  const { ek, ak } = tpm.attestationData({ qualifyingData: qualifyingData(nonce, channel) });
  const request = change({ protocol: PROTOCOL_VERSION, nonce, channel, purpose, ek, ekChain, ak });
  return readChallengeAnswer(await ask(visit.next(), "attest", writeAttestRequest(request)));
}

export interface OpenChallenge {
  readonly state: Buffer;
  readonly secret: Buffer;
  readonly report: Buffer;
  readonly proof: Buffer;
}

/** What the TPM makes of a challenge. */
export function solve(visit: AttestedVisit, challenge: ChallengeAnswer): OpenChallenge {
  const { state, credentialBlob, encryptedSecret } = challenge;
  const secret = visit.tpm.activateCredential(credentialBlob, encryptedSecret);
  const report = visit.report === undefined ? Buffer.alloc(0) : writeMachineReport(visit.report);
  return { state, secret, report, proof: answerProof(secret, state, report) };
}

/** @throws Refusal */
export async function answer(next: NextServer, solved: OpenChallenge): Promise<Admission> {
  const { state, proof, report, secret } = solved;
  const body = writeAnswerRequest({ protocol: PROTOCOL_VERSION, state, proof, report });
  const { sealed } = readSealedAnswer(await ask(next(), "answer", body));
  return readAdmission(openAnswer(sealed, secret, { state, proof }));
}

/** A whole honest visit. @throws Refusal */
export async function visitAttested(visit: AttestedVisit): Promise<Admission> {
  return answer(visit.next, solve(visit, await attest(visit, await askNonce(visit.next))));
}

/** @throws Refusal */
export async function askMachine(next: NextServer, token: string): Promise<MachineState> {
  return readMachineState(await ask(next(), "machine", undefined, { method: "GET", token }));
}

/** @throws Refusal */
export async function report(next: NextServer, token: string, what: MachineReport): Promise<MachineState> {
  return readMachineState(await ask(next(), "report", writeMachineReport(what), { method: "PUT", token }));
}

/** The code with which the promise is refused; throws where it is not. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refusal) return `${error.status} ${error.refusal.code}`;
    throw error;
  }
  throw new Error("was not refused");
}
