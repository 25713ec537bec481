/** A process that is many machines: they register by the attestation protocol, as many at once as asked. */
import {
  answerProof,
  EMPTY_REPORT,
  openAnswer,
  PROTOCOL_PATH,
  PROTOCOL_VERSION,
  qualifyingData,
  readAdmission,
  readChallengeAnswer,
  readNonceAnswer,
  readSealedAnswer,
  writeAnswerRequest,
  writeAttestRequest,
  writeMachineReport,
  writeNonceRequest,
} from "@rancheros/protocol/attestation";
import { Client } from "undici";
import { importFleet, type SoftwareTpm } from "../../test/software-tpm/index.ts";
import { sampleSmbios } from "../sample-smbios.ts";
import { inFlight } from "./in-flight.ts";
import type { RegisteringJob } from "./registering.ts";
import { warmUp } from "./warm-up.ts";
import { serveJobs } from "./worker.ts";

export interface AttestingJob extends RegisteringJob {
  /** SHA-256 of the operator's TLS key. */
  readonly channel: Uint8Array;
}

interface Machine {
  readonly tpm: SoftwareTpm;
  readonly report: Buffer;
}

const TIMEOUT_MS = 30_000;
const nonceRequest = writeNonceRequest({ protocol: PROTOCOL_VERSION });

serveJobs<AttestingJob>((job) => {
  const fleet = importFleet(job.fleet);
  const machines = Array.from({ length: job.count }, (_, index): Machine => {
    const number = job.first + index;
    const tpm = fleet.at(number);
    warmUp(tpm);
    const smbios = sampleSmbios(number.toString(16).padStart(8, "0").toUpperCase(), job.smbios);
    return { tpm, report: writeMachineReport({ ...EMPTY_REPORT, smbios }) };
  });
  return async () => {
    const latenciesMs: number[] = [];
    const startedMs = performance.now();
    await inFlight(job.count, job.inFlight, async (index) => {
      const one = machines[index];
      if (one === undefined) throw new RangeError(`there is no machine ${index}`);
      latenciesMs.push(await visit(job, one));
    });
    return { durationMs: performance.now() - startedMs, latenciesMs };
  };
});

async function post(client: Client, step: string, body: Buffer): Promise<Buffer> {
  const answer = await client.request({
    path: `${PROTOCOL_PATH}/${step}`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  if (answer.statusCode !== 200) throw new Error(`${step} was answered by ${answer.statusCode} ${bytes.toString()}`);
  return bytes;
}

/** Three requests on a connection of its own. @returns milliseconds from dial to config */
async function visit({ url, channel: channelBytes, caPem }: AttestingJob, { tpm, report }: Machine): Promise<number> {
  const { origin, pathname } = new URL(url);
  const token = pathname.split("/").at(-1) ?? "";
  const channel = Buffer.from(channelBytes);
  const startedMs = performance.now();
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  // Every machine is a new one: no session of TLS is resumed.
  const connect = { ...(caPem === undefined ? {} : { ca: caPem }), maxCachedSessions: 0, timeout: TIMEOUT_MS };
  const client = new Client(origin, { ...timeouts, connect });
  try {
    const { nonce } = readNonceAnswer(await post(client, "nonce", nonceRequest));
    const { ek, ak } = tpm.attestationData({ qualifyingData: qualifyingData(nonce, channel) });
    const request = { protocol: PROTOCOL_VERSION, nonce, channel, ek, ekChain: [], ak };
    const attestation = writeAttestRequest({ ...request, purpose: { kind: "registration", token } });
    const challenge = readChallengeAnswer(await post(client, "attest", attestation));
    const { state } = challenge;
    const secret = tpm.activateCredential(challenge.credentialBlob, challenge.encryptedSecret);
    const proof = answerProof(secret, state, report);
    const answer = writeAnswerRequest({ protocol: PROTOCOL_VERSION, state, proof, report });
    const { sealed } = readSealedAnswer(await post(client, "answer", answer));
    const { config } = readAdmission(openAnswer(sealed, secret, { state, proof }));
    if (config === undefined) throw new Error("the machine was given no config");
    return performance.now() - startedMs;
  } finally {
    await client.close();
  }
}
