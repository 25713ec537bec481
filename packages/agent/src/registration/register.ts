/** Registers this machine: it proves with its TPM who it is, and gets its configuration. */
import { encodeChallengeResponse } from "@rancheros/protocol/messages";
import type { CodedError } from "@rancheros/protocol/errors";

import type { Smbios } from "../smbios/index.ts";
import type { EndorsementKey, Tpm } from "../tpm/index.ts";
import {
  dialServer,
  openChallenge,
  receiveChallenge,
  receiveMessage,
  type DialOutside,
  type Identity,
} from "./conversation.ts";
import { startCourse } from "./course.ts";
import { CACERTS_TIMEOUT_MS, establishTrust, type TrustOutside } from "./establish-trust.ts";
import { parseInstallConfig, type InstallConfig } from "./install-config.ts";
import { chooseProxy } from "./proxy.ts";
import { parseRegistrationUrl, type RegistrationUrl } from "./registration-url.ts";
import { withRetries, type RetryOutside } from "./retry.ts";
import type { RegistrationStep } from "./step.ts";
import type { Trust } from "./trust.ts";

/** From dialling to the configuration; the server itself gives the machine 10 s after its challenge. */
export const DEFAULT_TIMEOUT_MS = 30_000;

export interface ServerOptions {
  /** As MachineRegistration's status.registrationURL gives it. */
  readonly url: string;
  /** Take a URL that begins with http:// */
  readonly allowHttp: boolean;
  readonly trust: Trust;
  /** Where CAs are kept that the server has told of, which are trusted as well; undefined: nowhere. */
  readonly learnedCaFile?: string | undefined;
  /** Whether what the server tells now is kept there. One process of a machine does that: its agent. */
  readonly learnsCa?: boolean;
  /** HTTPS_PROXY, HTTP_PROXY, NO_PROXY in both spellings, SSL_CERT_FILE. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For the conversation with the server; the TPM has its own. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type RegistrationEvent =
  | { readonly kind: "step"; readonly step: RegistrationStep; readonly server: string }
  | { readonly kind: "retry"; readonly error: CodedError; readonly delayMs: number }
  /** The operator has told of another CA than before, and it is trusted from now on. */
  | { readonly kind: "ca-learned"; readonly path: string }
  | { readonly kind: "ca-not-learned"; readonly error: CodedError }
  /** The time that --wait gave is over. */
  | { readonly kind: "gave-up"; readonly attempts: number; readonly afterMs: number }
  /** The machine waits until somebody approves it, with this command for example. */
  | { readonly kind: "pending"; readonly machine: string; readonly approve: string };

export interface RegisterOptions extends ServerOptions {
  /** Stays open: closing it is the caller's affair. */
  readonly tpm: Tpm;
  /** What the server learns about the hardware; undefined for nothing. */
  readonly smbios: Smbios | undefined;
  /**
   * Register with the bare key although there is something unreadable in the place of its certificate. Without, that is
   * an error: once the certificate can be read, the machine might be known by another key.
   */
  readonly withoutEkCertificate: boolean;
  /** How long to try again what may go well later; 0 for not at all. */
  readonly waitMs: number;
  readonly onEvent: (event: RegistrationEvent) => void;
}

export interface RegistrationOutside extends DialOutside, TrustOutside, RetryOutside {}

/**
 * @throws RegistrationError, TpmError
 * Source: rancherd pkg/tpm/get.go, os2 pkg/config/read.go
 */
export async function registerThrough(outside: RegistrationOutside, options: RegisterOptions): Promise<InstallConfig> {
  const { url, allowHttp, signal, waitMs, onEvent } = options;
  // Before anything else: what is wrong in the command line needs no TPM to be said.
  const server = parseRegistrationUrl(url, { allowHttp });
  const proxy = chooseProxy(server.url, options.environment);
  return withRetries(
    outside,
    {
      waitMs,
      signal,
      onRetry: (error, delayMs) => onEvent({ kind: "retry", error, delayMs }),
      onGaveUp: (attempts, afterMs) => onEvent({ kind: "gave-up", attempts, afterMs }),
    },
    async () => {
      try {
        return await attempt(outside, options, server, proxy);
      } finally {
        await options.tpm.endAttestation();
      }
    },
  );
}

async function attempt(
  outside: RegistrationOutside,
  options: RegisterOptions,
  server: RegistrationUrl,
  proxy: URL | undefined,
): Promise<InstallConfig> {
  const { signal, timeoutMs, tpm } = options;
  const onStep = (step: RegistrationStep): void => options.onEvent({ kind: "step", step, server: server.display });
  const identity = await readIdentity(options, onStep);
  const course = startCourse({ signal, timeoutMs, onStep });
  const cas = await course.run(
    "trust",
    (stepSignal) => establishTrust(outside, { ...options, server, proxy, signal: stepSignal }),
    CACERTS_TIMEOUT_MS,
  );
  const socket = await dialServer(outside, course, { server, proxy, ...cas }, identity, options.smbios);
  try {
    const challenge = await receiveChallenge(course, socket, server);
    const secret = await openChallenge(course, tpm, identity.ak, challenge);
    socket.send(encodeChallengeResponse({ secret }));
    const config = parseInstallConfig(await receiveMessage(course, socket, "config", server));
    // However the server ends it: the original never says good-bye.
    await socket.close();
    return config;
  } finally {
    socket.drop();
  }
}

async function readIdentity(options: RegisterOptions, onStep: (step: RegistrationStep) => void): Promise<Identity> {
  const { tpm, withoutEkCertificate } = options;
  onStep("endorsement-key");
  const ek = await tpm.readEndorsementKey();
  const problem = certificateProblem(ek);
  if (problem !== undefined && !withoutEkCertificate) throw problem;
  onStep("attestation-key");
  // Nothing to qualify: this protocol has no nonce from the server.
  const ak = await tpm.createAttestationKey({ qualifyingData: new Uint8Array() });
  return { ek, ak };
}

/** What is wrong with the certificate, where there is one that cannot be read. */
export function certificateProblem(ek: EndorsementKey): CodedError | undefined {
  return ek.source.kind === "template" ? ek.source.certificateProblem : undefined;
}
