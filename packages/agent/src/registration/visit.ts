/** A machine's way to the server, from its keys to what it is told: what `register` and `report` do each time. */
import type { Admission, Purpose } from "@rancheros/protocol/attestation";
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";

import type { Tpm } from "../tpm/index.ts";
import { answerChallenge, fetchNonce, takeChallenge, type Attestation } from "./attest.ts";
import type { Route } from "./conversation.ts";
import { startCourse, type Course } from "./course.ts";
import { CACERTS_TIMEOUT_MS, establishTrust, trustName, type TrustOutside } from "./establish-trust.ts";
import type { writeLearnedCa } from "./io/learned-ca-file.ts";
import type { connectServer } from "./io/server-connection.ts";
import { learnedCaText } from "./learned-ca.ts";
import { chooseProxy } from "./proxy.ts";
import { certificateProblem, type RegistrationEvent, type ServerOptions } from "./register.ts";
import { parseRegistrationUrl, type RegistrationUrl } from "./registration-url.ts";
import type { RegistrationStep } from "./step.ts";

export interface VisitOutside extends TrustOutside {
  readonly connectServer: typeof connectServer;
  readonly writeLearnedCa: typeof writeLearnedCa;
}

export interface VisitOptions extends ServerOptions {
  /** Stays open: closing it is the caller's affair. */
  readonly tpm: Tpm;
  /** As with `register`. */
  readonly withoutEkCertificate: boolean;
  readonly onEvent: (event: RegistrationEvent) => void;
}

export interface Visit {
  readonly server: RegistrationUrl;
  /** Attests anew: a fresh admission and session. @throws RegistrationError, TpmError, AttestationMessageError */
  attest(purpose: Purpose, report: (stateBytes: number) => Promise<Buffer>): Promise<Attested>;
  /** @param timeoutMs  for requests that the server holds open; otherwise what the options say */
  startCourse(timeoutMs?: number): Course;
}

export interface Attested {
  readonly admission: Admission;
  readonly route: Route;
  /** When the session ends, by our clock in milliseconds. */
  readonly sessionEndMs: number;
  readonly peerSpki: Buffer | undefined;
}

/**
 * @param allowBare  whether the URL may lack the registration's token
 * @throws RegistrationError for what is wrong with the options: that needs no TPM to be said
 */
export function prepareVisit(outside: VisitOutside, options: VisitOptions, allowBare: boolean): Visit {
  const { url, allowHttp, signal, timeoutMs, tpm } = options;
  const server = parseRegistrationUrl(url, { allowHttp, allowBare });
  const proxy = chooseProxy(server.url, options.environment);
  const onStep = (step: RegistrationStep): void => options.onEvent({ kind: "step", step, server: server.display });
  const begin = (courseMs = timeoutMs): Course => startCourse({ signal, timeoutMs: courseMs, onStep });
  return {
    server,
    startCourse: begin,
    async attest(purpose, report) {
      // Before the server is asked for anything: it gives a nonce for a minute, and a TPM can need twenty seconds for a key.
      const keys = await prepareKeys(options, onStep);
      const course = begin();
      const cas = await course.run(
        "trust",
        (stepSignal) => establishTrust(outside, { ...options, server, proxy, signal: stepSignal }),
        CACERTS_TIMEOUT_MS,
      );
      const route = { server, proxy, ...cas };
      const connection = outside.connectServer({ url: server.url, proxy, ...cas });
      try {
        const attestation = { connection, course, server, tpm, ...keys, purpose, nowMs: outside.nowMs };
        const { open } = await takeChallenge(attestation, await fetchNonce(attestation));
        const opened = await open();
        const admission = await answerChallenge(attestation, opened, await report(opened.challenge.state.length));
        await learnCa(outside, options, server, admission.ca);
        const sessionEndMs = outside.nowMs() + admission.session.expiresInSeconds * 1000;
        return { admission, route, sessionEndMs, peerSpki: opened.peerSpki };
      } finally {
        connection.close();
        await tpm.endAttestation();
      }
    },
  };
}

/** Over TLS only, and from an answer that was sealed for this TPM. What goes wrong with it does not end the visit. */
async function learnCa(
  outside: VisitOutside,
  { learnedCaFile: path, learnsCa = false, onEvent, trust }: VisitOptions,
  { url: { protocol, origin } }: RegistrationUrl,
  pem: string | undefined,
): Promise<void> {
  if (!learnsCa || path === undefined || pem === undefined || protocol !== "https:") return;
  try {
    const text = learnedCaText(pem, origin, await trustName(outside, trust));
    if (text === (await outside.readLearnedCa(path))) return;
    await outside.writeLearnedCa(path, text);
    onEvent({ kind: "ca-learned", path });
  } catch (error) {
    if (!isCodedError(error)) throw error;
    onEvent({ kind: "ca-not-learned", error });
  }
}

async function prepareKeys(
  options: VisitOptions,
  onStep: (step: RegistrationStep) => void,
): Promise<Pick<Attestation, "ek" | "ekChain">> {
  const { tpm, withoutEkCertificate } = options;
  onStep("endorsement-key");
  const ek = await tpm.readEndorsementKey();
  const problem: CodedError | undefined = certificateProblem(ek);
  if (problem !== undefined && !withoutEkCertificate) throw problem;
  onStep("attestation-key");
  await tpm.prepareAttestation();
  return { ek, ekChain: await tpm.readEndorsementChain() };
}
