/** Registration of this machine with an operator: by the attestation protocol, or by that of rancherd where it is asked for. */
import { setTimeout as sleep } from "node:timers/promises";

import { readSystemCas } from "../http/index.ts";
import { checkThrough, type CheckOptions } from "./check.ts";
import type { CheckReport } from "./check-runner.ts";
import { checkTrust } from "./establish-trust.ts";
import type { InstallConfig } from "./install-config.ts";
import { httpGet } from "./io/http-get.ts";
import { readLearnedCa, writeLearnedCa } from "./io/learned-ca-file.ts";
import { bundledCas, readCaFile } from "./io/read-ca.ts";
import { connectServer } from "./io/server-connection.ts";
import { openWebsocket } from "./io/websocket.ts";
import { probeThrough, type OperatorProbe, type ProbeOptions } from "./probe.ts";
import { chooseProxy } from "./proxy.ts";
import { registerAttestedThrough, type RegisterAttestedOptions } from "./register-attested.ts";
import { registerThrough, type RegisterOptions, type ServerOptions } from "./register.ts";
import { parseRegistrationUrl } from "./registration-url.ts";
import { reportThrough, type ReportOptions } from "./report-machine.ts";
import { withRetries, type RetryPolicy } from "./retry.ts";
import { keepSession, type SessionKeeper } from "./session-keeper.ts";
import { prepareVisit, type VisitOptions } from "./visit.ts";

const OUTSIDE = {
  openWebsocket,
  connectServer,
  httpGet,
  readCaFile,
  readSystemCas,
  bundledCas,
  readLearnedCa,
  writeLearnedCa,
  nowMs: Date.now,
  elapsedMs: (): number => performance.now(),
  random: Math.random,
  sleep: (delayMs: number, signal: AbortSignal): Promise<void> => sleep(delayMs, undefined, { signal }),
};

/**
 * Registers this machine by the attestation protocol and returns what it shall become. Registering twice gives the same
 * machine. Never falls back to another protocol.
 * @throws RegistrationError, TpmError, AttestationMessageError
 */
export function registerAttested(options: RegisterAttestedOptions): Promise<InstallConfig> {
  return registerAttestedThrough(OUTSIDE, options);
}

/**
 * Whether the way to the server can be gone, as far as this machine's own files and environment tell: to be asked before
 * the TPM is opened. Nothing is sent.
 * @throws RegistrationError for what is wrong with URL, proxy, CA or fingerprint
 */
export async function checkWay(options: Omit<ServerOptions, "timeoutMs">): Promise<void> {
  const server = parseRegistrationUrl(options.url, { allowHttp: options.allowHttp, allowBare: true });
  chooseProxy(server.url, options.environment);
  await checkTrust(OUTSIDE, { server, trust: options.trust, signal: options.signal });
}

/**
 * A session for a machine that has joined, kept as long as somebody uses it. Nothing is sent before that.
 * @throws RegistrationError for what is wrong with the options
 */
export function sessionKeeper(options: VisitOptions): SessionKeeper {
  const visit = prepareVisit(OUTSIDE, options, true);
  return keepSession(OUTSIDE, visit, () => visit.attest({ kind: "session" }, async () => Buffer.alloc(0)));
}

/**
 * Tells the operator what this machine is, once or until the signal, in sessions that others may use too.
 * @throws RegistrationError, TpmError, AttestationMessageError
 */
export function reportMachine(keeper: SessionKeeper, options: ReportOptions): Promise<void> {
  return reportThrough(OUTSIDE, keeper, options);
}

/**
 * The same as registerAttested by the protocol of rancherd, for operators that know no other.
 * @throws RegistrationError, TpmError
 */
export function register(options: RegisterOptions): Promise<InstallConfig> {
  return registerThrough(OUTSIDE, options);
}

/** Tries every step of a registration that leaves nothing behind, on this machine or in the cluster. Never throws. */
export function checkRegistration(options: CheckOptions): Promise<CheckReport> {
  return checkThrough(OUTSIDE, options);
}

/** Prepares looks at the way to the operator. Sends nothing yet. @throws RegistrationError for what is wrong with URL or proxy */
export function probeOperator(options: ProbeOptions): OperatorProbe {
  return probeThrough(OUTSIDE, options);
}

/** As withRetries, on this machine's clock. */
export function tryAgain<T>(policy: RetryPolicy, attempt: () => Promise<T>): Promise<T> {
  return withRetries(OUTSIDE, policy, attempt);
}

export { askDelayMs } from "./approval.ts";
export type { CheckOptions } from "./check.ts";
export type { CheckName, CheckOutcome, CheckReport, CheckStep } from "./check-runner.ts";
export { registrationSettings } from "./cloud-config.ts";
export type { RegistrationSettings } from "./cloud-config.ts";
export { REGISTRATION_ERRORS, RegistrationError } from "./errors.ts";
export type { RegistrationErrorCode } from "./errors.ts";
export type { InstallConfig } from "./install-config.ts";
export { readMachineFacts } from "./io/machine-facts.ts";
export { isMachineRefused, isRegistrationRefused } from "./machine-refused.ts";
export { LEARNED_CA_FILE } from "./learned-ca.ts";
export { hardwareTree, machineReport } from "./machine-report.ts";
export type { MachineFacts, OwnReport } from "./machine-report.ts";
export type { Greeting, OperatorProbe, ProbeOptions, ServerTrust } from "./probe.ts";
export type { RegisterAttestedOptions } from "./register-attested.ts";
export type { ReportOptions } from "./report-machine.ts";
export { daemonRetryDelayMs } from "./retry.ts";
export type { RetryOutside, RetryPolicy } from "./retry.ts";
export type { MachineSession, SessionKeeper, SessionRequest } from "./session-keeper.ts";
export { readPipedCa } from "./io/read-ca.ts";
export { prepareFile } from "./io/prepare-file.ts";
export type { PreparedFile } from "./io/prepare-file.ts";
export { DEFAULT_TIMEOUT_MS } from "./register.ts";
export type { RegisterOptions, RegistrationEvent, ServerOptions } from "./register.ts";
export { parseRegistrationUrl } from "./registration-url.ts";
export type { RegistrationUrl } from "./registration-url.ts";
export { STEP_WORDS } from "./step.ts";
export type { RegistrationStep } from "./step.ts";
export { parsePin } from "./trust.ts";
export type { Trust } from "./trust.ts";
export type { VisitOptions } from "./visit.ts";
